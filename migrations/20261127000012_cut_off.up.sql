-- Whether an answer ended at the longest that it might be, or at the end of the model's context.
ALTER TABLE agent_interactions ADD COLUMN cut_off boolean NOT NULL DEFAULT false;

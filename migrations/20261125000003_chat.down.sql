DROP TABLE generations;
ALTER TABLE conversations DROP CONSTRAINT conversations_current_message_fk;
DROP TABLE messages;
DROP TABLE conversations;
DROP TABLE agents;

-- Deleting a conversation looks for its generations.
CREATE INDEX generations_conversation_id_idx ON generations (conversation_id);

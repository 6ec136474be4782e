DROP TRIGGER models_updated_at ON models;

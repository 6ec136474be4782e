DROP FUNCTION search_vector(text);
DROP FUNCTION refuse_change();
DROP FUNCTION set_updated_at();

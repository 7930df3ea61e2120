-- What a B-tree cannot do: find a substring.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX bag_qr_id_trigram ON tracetrack.bag USING gin (qr_id gin_trgm_ops);
CREATE INDEX bag_name_trigram ON tracetrack.bag USING gin (name gin_trgm_ops);
-- With the usual hundred samples the planner takes a rare fragment for a frequent one, and reads all ids in their order.
ALTER TABLE tracetrack.bag ALTER qr_id SET STATISTICS 1000, ALTER name SET STATISTICS 1000;

-- What a B-tree cannot do: find a substring.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX bag_qr_id_trigram ON tracetrack.bag USING gin (qr_id gin_trgm_ops);
CREATE INDEX bag_name_trigram ON tracetrack.bag USING gin (name gin_trgm_ops);

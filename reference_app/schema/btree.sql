CREATE INDEX bag_name ON tracetrack.bag (name);
CREATE INDEX bag_parent ON tracetrack.bag (parent_id);
CREATE INDEX link_parent ON tracetrack.link (parent_id);
CREATE INDEX scan_scanned_at ON tracetrack.scan (scanned_at DESC, id DESC);
CREATE INDEX scan_bag ON tracetrack.scan (bag_id);

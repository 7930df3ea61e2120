-- Apart from the tables, because a check of all rows at once is many times cheaper than one at each insert.
ALTER TABLE tracetrack."user" ADD PRIMARY KEY (id), ADD UNIQUE (username);
ALTER TABLE tracetrack.bag ADD PRIMARY KEY (id), ADD UNIQUE (qr_id);
ALTER TABLE tracetrack.link ADD PRIMARY KEY (child_id);
ALTER TABLE tracetrack.bill ADD PRIMARY KEY (id), ADD UNIQUE (bill_id);
ALTER TABLE tracetrack.bill_bag ADD PRIMARY KEY (bill_id, bag_id);
ALTER TABLE tracetrack.scan ADD PRIMARY KEY (id);
ALTER TABLE tracetrack.ended_session ADD PRIMARY KEY (id);

ALTER TABLE tracetrack.bag ADD FOREIGN KEY (parent_id) REFERENCES tracetrack.bag;
ALTER TABLE tracetrack.link ADD FOREIGN KEY (parent_id) REFERENCES tracetrack.bag,
                            ADD FOREIGN KEY (child_id) REFERENCES tracetrack.bag;
ALTER TABLE tracetrack.bill ADD FOREIGN KEY (created_by) REFERENCES tracetrack."user";
ALTER TABLE tracetrack.bill_bag ADD FOREIGN KEY (bill_id) REFERENCES tracetrack.bill,
                                ADD FOREIGN KEY (bag_id) REFERENCES tracetrack.bag;
ALTER TABLE tracetrack.scan ADD FOREIGN KEY (bag_id) REFERENCES tracetrack.bag,
                            ADD FOREIGN KEY (user_id) REFERENCES tracetrack."user",
                            ADD FOREIGN KEY (parent_id) REFERENCES tracetrack.bag;
-- One scan once, whatever the retries. Scans that came without a key cost it nothing.
CREATE UNIQUE INDEX scan_idempotency_key ON tracetrack.scan (user_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

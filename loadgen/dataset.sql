-- The rows of TraceTrack, made inside the server from whole numbers and a seed: the same seed, the same rows.
-- Parameters: seed, users, parents, bags, scans, bills, children_per_parent, last_day.
CREATE FUNCTION pg_temp.draw(number bigint, stream integer, below bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(number, %(seed)s::bigint * 1000 + stream) & x'7fffffffffffffff'::bigint) %% below;

CREATE FUNCTION pg_temp.dispatch_area(number bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (ARRAY['lucknow', 'indore', 'jaipur', 'hisar', 'sri_ganganagar',
              'sangaria', 'bathinda', 'raipur', 'ranchi', 'akola'])[1 + number %% 10];

INSERT INTO tracetrack."user" (id, username, password_hash, role, dispatch_area, created_at)
SELECT i, 'user' || lpad(i::text, 3, '0'), '',
       CASE WHEN i = 1 THEN 'admin' WHEN i %% 4 = 0 THEN 'biller' ELSE 'dispatcher' END,
       pg_temp.dispatch_area(i), %(last_day)s::timestamptz - interval '90 days'
FROM generate_series(1, %(users)s::bigint) AS i;

INSERT INTO tracetrack.bag (id, qr_id, name, type, parent_id, dispatch_area, status, weight_kg, created_at)
SELECT i,
       CASE WHEN i <= %(parents)s THEN 'SB' || lpad(i::text, 5, '0')
            ELSE 'M444-' || lpad((i - %(parents)s)::text, 7, '0') END,
       CASE WHEN i %% 10 = 0 THEN 'Bag ' || pg_temp.dispatch_area(i / 10) || ' ' || i END,
       CASE WHEN i <= %(parents)s THEN 'parent' ELSE 'child' END,
       CASE WHEN i > %(parents)s THEN 1 + (i - %(parents)s - 1) / %(children_per_parent)s END,
       pg_temp.dispatch_area(pg_temp.draw(i, 1, 10)),
       (ARRAY['pending', 'linked', 'dispatched'])[1 + pg_temp.draw(i, 2, 3)],
       CASE WHEN i <= %(parents)s THEN %(children_per_parent)s ELSE 1 END,
       %(last_day)s::timestamptz - pg_temp.draw(i, 3, 60 * 86400) * interval '1 second'
FROM generate_series(1, %(bags)s::bigint) AS i;

INSERT INTO tracetrack.link (parent_id, child_id, created_at)
SELECT parent_id, id, created_at FROM tracetrack.bag WHERE type = 'child' ORDER BY id;

INSERT INTO tracetrack.scan (id, bag_id, user_id, scanned_at)
SELECT i, 1 + pg_temp.draw(i, 4, %(bags)s), 1 + pg_temp.draw(i, 5, %(users)s),
       %(last_day)s::timestamptz - pg_temp.draw(i, 6, 60 * 86400) * interval '1 second'
FROM generate_series(1, %(scans)s::bigint) AS i;

INSERT INTO tracetrack.bill (id, bill_id, created_by, status, total_weight_kg, created_at)
SELECT i, 'BILL-' || lpad(i::text, 6, '0'), 1 + pg_temp.draw(i, 7, %(users)s),
       (ARRAY['draft', 'completed'])[1 + pg_temp.draw(i, 8, 2)], 10 * %(children_per_parent)s,
       %(last_day)s::timestamptz - pg_temp.draw(i, 9, 60 * 86400) * interval '1 second'
FROM generate_series(1, %(bills)s::bigint) AS i;

INSERT INTO tracetrack.bill_bag (bill_id, bag_id)
SELECT bill, 1 + (bill * 10 + k) %% %(parents)s
FROM generate_series(1, %(bills)s::bigint) AS bill, generate_series(0, 9) AS k;

-- Rows that the application adds later go on from here.
SELECT setval(pg_get_serial_sequence('tracetrack."user"', 'id'), %(users)s::bigint),
       setval(pg_get_serial_sequence('tracetrack.bag', 'id'), %(bags)s::bigint),
       setval(pg_get_serial_sequence('tracetrack.bill', 'id'), %(bills)s::bigint),
       setval(pg_get_serial_sequence('tracetrack.scan', 'id'), %(scans)s::bigint);

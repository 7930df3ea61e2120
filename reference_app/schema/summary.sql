-- The dashboard's counts in one row that triggers keep. Each statement that changes a count locks the row until its
-- transaction ends: count last in a transaction, and keep it short.
CREATE TABLE tracetrack.summary (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    total_bags   bigint NOT NULL,
    total_scans  bigint NOT NULL,
    total_bills  bigint NOT NULL,
    active_users bigint NOT NULL
) WITH (fillfactor = 10); -- room for new versions of the row on its page

-- Adds to the column that the trigger names what its statement added or took.
CREATE FUNCTION tracetrack.keep_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change bigint;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('UPDATE tracetrack.summary SET %I = 0', TG_ARGV[0]);
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        SELECT count(*) INTO change FROM added;
    ELSE
        SELECT -count(*) INTO change FROM taken;
    END IF;
    IF change <> 0 THEN
        EXECUTE format('UPDATE tracetrack.summary SET %1$I = %1$I + $1', TG_ARGV[0]) USING change;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION tracetrack.keep_active_users() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change bigint := 0;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE tracetrack.summary SET active_users = 0;
        RETURN NULL;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        change := change + (SELECT count(*) FROM added WHERE active);
    END IF;
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        change := change - (SELECT count(*) FROM taken WHERE active);
    END IF;
    IF change <> 0 THEN
        UPDATE tracetrack.summary SET active_users = active_users + change;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER bag_added AFTER INSERT ON tracetrack.bag
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION tracetrack.keep_count('total_bags');
CREATE TRIGGER bag_taken AFTER DELETE ON tracetrack.bag
    REFERENCING OLD TABLE AS taken EXECUTE FUNCTION tracetrack.keep_count('total_bags');
CREATE TRIGGER bag_emptied AFTER TRUNCATE ON tracetrack.bag EXECUTE FUNCTION tracetrack.keep_count('total_bags');

CREATE TRIGGER scan_added AFTER INSERT ON tracetrack.scan
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION tracetrack.keep_count('total_scans');
CREATE TRIGGER scan_taken AFTER DELETE ON tracetrack.scan
    REFERENCING OLD TABLE AS taken EXECUTE FUNCTION tracetrack.keep_count('total_scans');
CREATE TRIGGER scan_emptied AFTER TRUNCATE ON tracetrack.scan EXECUTE FUNCTION tracetrack.keep_count('total_scans');

CREATE TRIGGER bill_added AFTER INSERT ON tracetrack.bill
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION tracetrack.keep_count('total_bills');
CREATE TRIGGER bill_taken AFTER DELETE ON tracetrack.bill
    REFERENCING OLD TABLE AS taken EXECUTE FUNCTION tracetrack.keep_count('total_bills');
CREATE TRIGGER bill_emptied AFTER TRUNCATE ON tracetrack.bill EXECUTE FUNCTION tracetrack.keep_count('total_bills');

CREATE TRIGGER user_added AFTER INSERT ON tracetrack."user"
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION tracetrack.keep_active_users();
CREATE TRIGGER user_taken AFTER DELETE ON tracetrack."user"
    REFERENCING OLD TABLE AS taken EXECUTE FUNCTION tracetrack.keep_active_users();
CREATE TRIGGER user_changed AFTER UPDATE ON tracetrack."user"
    REFERENCING NEW TABLE AS added OLD TABLE AS taken EXECUTE FUNCTION tracetrack.keep_active_users();
CREATE TRIGGER user_emptied AFTER TRUNCATE ON tracetrack."user" EXECUTE FUNCTION tracetrack.keep_active_users();

-- The triggers hold every writer back until this transaction ends, so no row is missed or counted twice.
INSERT INTO tracetrack.summary (total_bags, total_scans, total_bills, active_users)
SELECT (SELECT count(*) FROM tracetrack.bag), (SELECT count(*) FROM tracetrack.scan),
       (SELECT count(*) FROM tracetrack.bill), (SELECT count(*) FROM tracetrack."user" WHERE active);

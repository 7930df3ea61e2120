-- The dashboard's counts in one row that triggers keep. They count at COMMIT: the row is locked while the server commits,
-- and never while it waits for a client. One that stops in mid-transaction would hold up every other writer.
CREATE TABLE tracetrack.summary (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    total_bags   bigint NOT NULL,
    total_scans  bigint NOT NULL,
    total_bills  bigint NOT NULL,
    active_users bigint NOT NULL
) WITH (fillfactor = 10); -- room for new versions of the row on its page

-- What the transaction has added to a count so far. A rollback, to a savepoint too, takes it back.
CREATE FUNCTION tracetrack.pending_change(counted text) RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce(nullif(current_setting('tracetrack.' || counted, true), ''), '0')::bigint
$$;

CREATE FUNCTION tracetrack.note_change(counted text, change bigint) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('tracetrack.' || counted, (tracetrack.pending_change(counted) + change)::text, true)
$$;

-- Notes what its statement added to the count that the trigger names, or took from it.
CREATE FUNCTION tracetrack.note_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('UPDATE tracetrack.summary SET %I = 0', TG_ARGV[0]);
    ELSIF TG_OP = 'INSERT' THEN
        PERFORM tracetrack.note_change(TG_ARGV[0], (SELECT count(*) FROM added));
    ELSE
        PERFORM tracetrack.note_change(TG_ARGV[0], (SELECT -count(*) FROM taken));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION tracetrack.note_active_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE tracetrack.summary SET active_users = 0;
        RETURN NULL;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM tracetrack.note_change('active_users', (SELECT count(*) FROM added WHERE active));
    END IF;
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        PERFORM tracetrack.note_change('active_users', (SELECT -count(*) FROM taken WHERE active));
    END IF;
    RETURN NULL;
END $$;

-- Counts what the transaction has noted, for the first of its rows; for the others nothing is left.
CREATE FUNCTION tracetrack.keep_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change bigint := tracetrack.pending_change(TG_ARGV[0]);
BEGIN
    IF change <> 0 THEN
        EXECUTE format('UPDATE tracetrack.summary SET %1$I = %1$I + $1', TG_ARGV[0]) USING change;
        PERFORM tracetrack.note_change(TG_ARGV[0], -change);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER bag_added AFTER INSERT ON tracetrack.bag
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION tracetrack.note_count('total_bags');
CREATE TRIGGER bag_taken AFTER DELETE ON tracetrack.bag
    REFERENCING OLD TABLE AS taken EXECUTE FUNCTION tracetrack.note_count('total_bags');
CREATE TRIGGER bag_emptied AFTER TRUNCATE ON tracetrack.bag EXECUTE FUNCTION tracetrack.note_count('total_bags');
CREATE CONSTRAINT TRIGGER bag_counted AFTER INSERT OR DELETE ON tracetrack.bag DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION tracetrack.keep_count('total_bags');

CREATE TRIGGER scan_added AFTER INSERT ON tracetrack.scan
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION tracetrack.note_count('total_scans');
CREATE TRIGGER scan_taken AFTER DELETE ON tracetrack.scan
    REFERENCING OLD TABLE AS taken EXECUTE FUNCTION tracetrack.note_count('total_scans');
CREATE TRIGGER scan_emptied AFTER TRUNCATE ON tracetrack.scan EXECUTE FUNCTION tracetrack.note_count('total_scans');
CREATE CONSTRAINT TRIGGER scan_counted AFTER INSERT OR DELETE ON tracetrack.scan DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION tracetrack.keep_count('total_scans');

CREATE TRIGGER bill_added AFTER INSERT ON tracetrack.bill
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION tracetrack.note_count('total_bills');
CREATE TRIGGER bill_taken AFTER DELETE ON tracetrack.bill
    REFERENCING OLD TABLE AS taken EXECUTE FUNCTION tracetrack.note_count('total_bills');
CREATE TRIGGER bill_emptied AFTER TRUNCATE ON tracetrack.bill EXECUTE FUNCTION tracetrack.note_count('total_bills');
CREATE CONSTRAINT TRIGGER bill_counted AFTER INSERT OR DELETE ON tracetrack.bill DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION tracetrack.keep_count('total_bills');

CREATE TRIGGER user_added AFTER INSERT ON tracetrack."user"
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION tracetrack.note_active_users();
CREATE TRIGGER user_taken AFTER DELETE ON tracetrack."user"
    REFERENCING OLD TABLE AS taken EXECUTE FUNCTION tracetrack.note_active_users();
CREATE TRIGGER user_changed AFTER UPDATE ON tracetrack."user"
    REFERENCING NEW TABLE AS added OLD TABLE AS taken EXECUTE FUNCTION tracetrack.note_active_users();
CREATE TRIGGER user_emptied AFTER TRUNCATE ON tracetrack."user" EXECUTE FUNCTION tracetrack.note_active_users();
CREATE CONSTRAINT TRIGGER user_counted AFTER INSERT OR DELETE OR UPDATE ON tracetrack."user" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION tracetrack.keep_count('active_users');

-- The triggers hold every writer back until this transaction ends, so no row is missed or counted twice.
INSERT INTO tracetrack.summary (total_bags, total_scans, total_bills, active_users)
SELECT (SELECT count(*) FROM tracetrack.bag), (SELECT count(*) FROM tracetrack.scan),
       (SELECT count(*) FROM tracetrack.bill), (SELECT count(*) FROM tracetrack."user" WHERE active);

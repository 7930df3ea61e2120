-- Sessions in the database, for sessions=database. The id is the SHA-256 of the cookie's: whoever reads the table can
-- log in as nobody.
CREATE TABLE tracetrack.session (
    id         bytea PRIMARY KEY,
    content    jsonb NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 80); -- room for new versions of a row on its page

-- For the removal of those that have ended.
CREATE INDEX session_expires_at ON tracetrack.session (expires_at);

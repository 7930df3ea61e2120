"""The database of the migration tests, the command that migrates it, and migrations that wait for each other."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from click.testing import CliRunner

from reference_app import migrate
from reference_app.__main__ import main
from tests.processes import wait_until

DATABASE = "migrated"
NOTHING = ["nothing was missing"]
ROWS = """
    INSERT INTO tracetrack."user" (username, password_hash, role)
    SELECT 'user' || i, '', 'admin' FROM generate_series(1, 3) AS i;
    INSERT INTO tracetrack.bag (qr_id, type) SELECT 'SB' || i, 'parent' FROM generate_series(1, 5) AS i;
    INSERT INTO tracetrack.bag (qr_id, type, parent_id) SELECT 'M' || i, 'child', i FROM generate_series(1, 5) AS i;
    INSERT INTO tracetrack.link (parent_id, child_id) SELECT parent_id, id FROM tracetrack.bag WHERE type = 'child';
    INSERT INTO tracetrack.bill (bill_id, created_by) SELECT 'BILL' || i, i FROM generate_series(1, 3) AS i;
    INSERT INTO tracetrack.bill_bag (bill_id, bag_id) SELECT i, i FROM generate_series(1, 3) AS i;
    INSERT INTO tracetrack.scan (bag_id, user_id) SELECT i, 1 FROM generate_series(1, 10) AS i;
"""
TABLES = ("user", "bag", "link", "bill", "bill_bag", "scan")
CATALOG = """
    SELECT concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default, is_identity)
    FROM information_schema.columns WHERE table_schema = 'tracetrack'
    UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = to_regnamespace('tracetrack') AND contype <> 'n'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'tracetrack'
    UNION ALL SELECT concat_ws(' ', 'relation', relname, relkind) FROM pg_class
    WHERE relnamespace = to_regnamespace('tracetrack')
    UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', 'function', proname, prosrc) FROM pg_proc
    WHERE pronamespace = to_regnamespace('tracetrack')
          AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    UNION ALL SELECT 'extension ' || extname FROM pg_extension
    UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE NOT starts_with(nspname, 'pg_')
    ORDER BY 1
"""
# A table with another file was rewritten.
TABLE_FILES = """
    SELECT relname, pg_relation_filenode(oid) FROM pg_class
    WHERE relnamespace = to_regnamespace('tracetrack') AND relkind = 'r'
"""
WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'tracetrack-migrate' AND wait_event = 'advisory'"


class MigrationTarget:
    """The database, and the command that migrates it."""

    def __init__(self, url, connection):
        self.url = url
        self._connection = connection

    def execute(self, statement):
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def build(self, *names):
        """Execute the files without a migration."""
        for name in names:
            self.execute((migrate.FILES / f"{name}.sql").read_text())

    def clear(self):
        self.execute("DROP EXTENSION IF EXISTS pg_trgm CASCADE; DROP SCHEMA IF EXISTS tracetrack CASCADE")

    def catalog(self):
        return self.execute(CATALOG)

    def files(self):
        return dict(self.execute(TABLE_FILES))

    def counts(self, *tables):
        return {table: self.execute(f'SELECT count(*) FROM tracetrack."{table}"')[0][0] for table in tables or TABLES}

    def run(self, *arguments, url=None):
        environ = {"TRACETRACK_DATABASE_URL": self.url if url is None else url}
        return CliRunner().invoke(main, ["migrate", *arguments], env=environ)

    def lines(self, *arguments):
        """The lines of a migration that succeeds."""
        result = self.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout.splitlines()

    def error(self, *arguments, url=None):
        """The one line of a migration that fails and changes nothing."""
        before = self.catalog(), self.files()
        result = self.run(*arguments, url=url)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
        assert (self.catalog(), self.files()) == before
        return result.stderr


@contextmanager
def waiting(target, number):
    """Start migrations that wait, until the end of the block, for another one."""
    with ThreadPoolExecutor(number) as pool:
        target.execute("SELECT pg_advisory_lock(hashtext('tracetrack migrate'))")
        started = [pool.submit(migrate.migrate, target.url) for _ in range(number)]
        try:
            wait_until(lambda: len(target.execute(WAITING)) >= number)
            yield started
        finally:
            target.execute("SELECT pg_advisory_unlock_all()")

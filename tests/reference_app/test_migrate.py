import runpy
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from reference_app import migrate
from reference_app.__main__ import main
from reference_app.settings import Settings

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
# A table whose file is another one has been written anew.
TABLE_FILES = """
    SELECT relname, pg_relation_filenode(oid) FROM pg_class
    WHERE relnamespace = to_regnamespace('tracetrack') AND relkind = 'r'
"""
WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'tracetrack-migrate' AND wait_event = 'advisory'"


class Target:
    """The database of these tests, and the command that migrates it."""

    def __init__(self, url, connection):
        self.url = url
        self._connection = connection

    def ask(self, statement):
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def build(self, *names):
        """Run the files themselves."""
        for name in names:
            self.ask((migrate.FILES / f"{name}.sql").read_text())

    def clear(self):
        self.ask("DROP EXTENSION IF EXISTS pg_trgm CASCADE; DROP SCHEMA IF EXISTS tracetrack CASCADE")

    def catalog(self):
        return self.ask(CATALOG)

    def files(self):
        return dict(self.ask(TABLE_FILES))

    def counts(self, *tables):
        return {table: self.ask(f'SELECT count(*) FROM tracetrack."{table}"')[0][0] for table in tables or TABLES}

    def run(self, *arguments, url=None):
        environ = {"TRACETRACK_DATABASE_URL": self.url if url is None else url}
        return CliRunner().invoke(main, ["migrate", *arguments], env=environ)

    def told(self, *arguments):
        """The lines of a migration that succeeds."""
        result = self.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout.splitlines()

    def refused(self, *arguments, url=None):
        """The one line of a migration that fails and changes nothing."""
        before = self.catalog(), self.files()
        result = self.run(*arguments, url=url)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
        assert (self.catalog(), self.files()) == before
        return result.stderr


@pytest.fixture(scope="module")
def target(server):
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
        with closing(server.connect(DATABASE)) as inside:
            yield Target(server.url_of(DATABASE), inside)
        cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture
def empty(target):
    yield target
    target.clear()


@pytest.fixture
def whole(empty):
    """A database that the files made, with rows."""
    empty.build(*migrate.BASE, "btree")
    empty.ask(ROWS)
    return empty


@pytest.mark.parametrize(("indexes", "parts"), [("none", ()), ("btree", ()), ("trigram", migrate.PARTS)])
def test_an_empty_database_gets_what_the_files_make(empty, indexes, parts):
    empty.build(*migrate.BASE, *migrate.INDEXES[indexes], *parts)
    expected = empty.catalog()
    empty.clear()
    arguments = ["--indexes", indexes, *(f"--with={part}" for part in parts)]
    lines = empty.told(*arguments)
    assert empty.catalog() == expected
    assert "created schema tracetrack" in lines
    assert {f"created table {table}" for table in TABLES} <= set(lines)
    assert "created constraint scan_bag_id_fkey of scan: FOREIGN KEY (bag_id) REFERENCES bag(id)" in lines
    assert ("created index bag_parent ON bag USING btree (parent_id)" in lines) is (indexes != "none")
    assert ("created extension pg_trgm" in lines) is (indexes == "trigram")
    assert empty.told(*arguments) == NOTHING


def test_trigram_indexes_are_added_to_b_trees_and_stay_there(whole):
    before = whole.files()
    added = whole.told("--indexes", "trigram")
    assert [line.split(" ON ")[0] for line in added] == [
        "created extension pg_trgm",
        "created index bag_qr_id_trigram",
        "created index bag_name_trigram",
    ]
    assert whole.told("--indexes", "none") == NOTHING
    assert whole.files() == before


def test_a_part_is_made_on_request_and_counts_the_rows(whole):
    assert whole.told() == NOTHING
    assert whole.told("--with", "summary")[0].startswith("created summary: function keep_active_users, ")
    whole.ask("INSERT INTO tracetrack.scan (bag_id, user_id) VALUES (1, 1)")
    figures = "SELECT total_bags, total_scans, total_bills, active_users FROM tracetrack.summary"
    assert whole.ask(figures) == [(10, 11, 3, 3)]
    assert whole.told("--with", "summary") == NOTHING


def test_half_a_part_is_told_and_left_alone(whole):
    whole.build("summary")
    whole.ask("DROP TRIGGER scan_added ON tracetrack.scan; DROP INDEX tracetrack.bag_name")
    assert "summary is there only in part, without trigger scan_added" in whole.refused("--with", "summary")


MISSING = {
    "table": (
        "DROP TABLE tracetrack.bill_bag CASCADE",
        [
            "created table bill_bag",
            "created constraint bill_bag_pkey of bill_bag: PRIMARY KEY (bill_id, bag_id)",
            "created constraint bill_bag_bill_id_fkey of bill_bag: FOREIGN KEY (bill_id) REFERENCES bill(id)",
            "created constraint bill_bag_bag_id_fkey of bill_bag: FOREIGN KEY (bag_id) REFERENCES bag(id)",
        ],
    ),
    "column": ("ALTER TABLE tracetrack.bag DROP weight_kg CASCADE", ["created column bag.weight_kg real"]),
    "column with default": (
        "ALTER TABLE tracetrack.bag DROP status CASCADE",
        ["created column bag.status text DEFAULT 'pending'::text NOT NULL"],
    ),
    "default": (
        "ALTER TABLE tracetrack.bag ALTER status DROP DEFAULT",
        ["changed column bag.status to DEFAULT 'pending'::text"],
    ),
    "not null": ("ALTER TABLE tracetrack.bag ALTER qr_id DROP NOT NULL", ["changed column bag.qr_id to NOT NULL"]),
    "identity": (
        'ALTER TABLE tracetrack."user" ALTER id DROP IDENTITY',
        ["changed column user.id to GENERATED BY DEFAULT AS IDENTITY"],
    ),
    "primary key": (
        "ALTER TABLE tracetrack.scan DROP CONSTRAINT scan_pkey",
        ["created constraint scan_pkey of scan: PRIMARY KEY (id)"],
    ),
    "unique key": (
        "ALTER TABLE tracetrack.bag DROP CONSTRAINT bag_qr_id_key",
        ["created constraint bag_qr_id_key of bag: UNIQUE (qr_id)"],
    ),
    "foreign key": (
        "ALTER TABLE tracetrack.bill DROP CONSTRAINT bill_created_by_fkey",
        ['created constraint bill_created_by_fkey of bill: FOREIGN KEY (created_by) REFERENCES "user"(id)'],
    ),
    "check": (
        "ALTER TABLE tracetrack.bag DROP CONSTRAINT bag_type_check",
        ["created constraint bag_type_check of bag: CHECK ((type = ANY (ARRAY['parent'::text, 'child'::text])))"],
    ),
    "index": (
        "DROP INDEX tracetrack.scan_scanned_at",
        ["created index scan_scanned_at ON scan USING btree (scanned_at DESC, id DESC)"],
    ),
}


@pytest.mark.parametrize("missing", MISSING)
def test_what_is_missing_is_made_and_nothing_else(whole, missing):
    statement, lines = MISSING[missing]
    catalog, files, counts = whole.catalog(), whole.files(), whole.counts()
    whole.ask(statement)
    assert whole.told() == lines
    assert whole.catalog() == catalog
    if missing == "table":
        del files["bill_bag"]
        counts["bill_bag"] = 0
    assert files.items() <= whole.files().items()
    assert whole.counts() == counts


def test_a_new_identity_goes_on_after_the_rows(whole):
    whole.ask('ALTER TABLE tracetrack."user" ALTER id DROP IDENTITY')
    whole.told()
    whole.ask("INSERT INTO tracetrack.\"user\" (username, password_hash, role) VALUES ('new', '', 'admin')")
    assert whole.ask('SELECT max(id) FROM tracetrack."user"') == [(4,)]


def test_old_names_are_changed_and_the_rows_kept(whole):
    expected = whole.catalog(), whole.files(), whole.counts()
    whole.ask('ALTER TABLE tracetrack.scan RENAME scanned_at TO "timestamp"')
    for table in TABLES:
        whole.ask(f'ALTER TABLE tracetrack."{table}" RENAME TO {table}s')
    lines = [f"renamed table {table}s to {table}" for table in TABLES]
    assert whole.told() == [*lines, "renamed column scan.timestamp to scanned_at"]
    assert (whole.catalog(), whole.files(), whole.counts()) == expected


def test_a_dry_run_tells_the_same_and_changes_nothing(whole):
    whole.ask('ALTER TABLE tracetrack."user" RENAME TO users; DROP TABLE tracetrack.bill_bag')
    whole.ask("ALTER TABLE tracetrack.bag DROP name; ALTER TABLE tracetrack.scan ALTER id DROP IDENTITY")
    before = whole.catalog(), whole.files(), whole.counts("bag", "users")
    would = whole.told("--dry-run")
    assert (whole.catalog(), whole.files(), whole.counts("bag", "users")) == before
    did = whole.told()
    assert would == [f"would {line.replace('d ', ' ', 1)}" for line in did]
    assert {line.split()[1] for line in would} == {"rename", "create", "change"}


def test_an_old_name_beside_the_right_one_is_left_alone(whole):
    whole.ask("CREATE TABLE tracetrack.users (id integer); CREATE VIEW tracetrack.bags AS SELECT * FROM tracetrack.bag")
    whole.ask('ALTER TABLE tracetrack.scan ADD "timestamp" date')
    before = whole.catalog()
    assert whole.told() == NOTHING
    assert whole.catalog() == before


def test_what_is_extra_or_named_otherwise_is_left_alone(whole):
    whole.ask(
        """
        CREATE TABLE tracetrack.audit (id integer PRIMARY KEY, bag_id integer REFERENCES tracetrack.bag);
        CREATE FUNCTION tracetrack.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER extra AFTER INSERT ON tracetrack.bag EXECUTE FUNCTION tracetrack.nothing();
        ALTER TABLE tracetrack.bag ADD colour text NOT NULL DEFAULT 'brown', ADD CHECK (colour <> ''),
                                   ALTER weight_kg SET DEFAULT 1, ALTER status SET DEFAULT 'new';
        CREATE INDEX "bag ON colour" ON tracetrack.bag (colour);
        ALTER INDEX tracetrack.bag_parent RENAME TO "bag and its parent";
        ALTER TABLE tracetrack.bag RENAME CONSTRAINT bag_pkey TO "key";
        ALTER TABLE tracetrack.scan ALTER id DROP IDENTITY;
        CREATE SEQUENCE tracetrack.scan_numbers;
        ALTER TABLE tracetrack.scan ALTER id SET DEFAULT nextval('tracetrack.scan_numbers')
        """
    )
    before = whole.catalog()
    assert whole.told() == NOTHING
    assert whole.catalog() == before


@contextmanager
def waiting(target, number):
    """Migrations that have begun and wait, until the block ends, for one before them."""
    with ThreadPoolExecutor(number) as pool:
        target.ask("SELECT pg_advisory_lock(hashtext('tracetrack migrate'))")
        started = [pool.submit(migrate.migrate, target.url) for _ in range(number)]
        deadline = time.monotonic() + 10
        try:
            while len(target.ask(WAITING)) < number and time.monotonic() < deadline:
                time.sleep(0.01)
            yield started
        finally:
            target.ask("SELECT pg_advisory_unlock_all()")


def test_two_at_once_do_it_once(empty):
    with waiting(empty, 2) as both:
        assert not any(one.done() for one in both)
    first, second = sorted((one.result() for one in both), key=len, reverse=True)
    assert "created table bag" in first
    assert second == []


def test_a_database_that_stops_answering_is_told(empty):
    with waiting(empty, 1) as (one,):
        empty.ask(f"SELECT pg_terminate_backend(pid) FROM ({WAITING})")
        with pytest.raises(migrate.MigrationError, match=r"connection .*; nothing was changed$"):
            one.result(timeout=10)


IMPOSSIBLE = {
    "column without default": (
        "ALTER TABLE tracetrack.bag DROP qr_id CASCADE",
        "column bag.qr_id text NOT NULL is missing, and the table has rows without a value",
    ),
    "column with identity": (
        "ALTER TABLE tracetrack.scan DROP id CASCADE",
        "column scan.id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL is missing, and the table has rows",
    ),
    "other type": (
        "ALTER TABLE tracetrack.bag ALTER weight_kg TYPE text",
        "column bag.weight_kg is text, wanted is real",
    ),
    "null": (
        "ALTER TABLE tracetrack.bag ALTER qr_id DROP NOT NULL; UPDATE tracetrack.bag SET qr_id = NULL WHERE id = 7",
        "cannot change column bag.qr_id to NOT NULL: ",
    ),
    "two alike": (
        "ALTER TABLE tracetrack.bag DROP CONSTRAINT bag_qr_id_key; UPDATE tracetrack.bag SET qr_id = 'A' WHERE id < 3",
        'bag_qr_id_key of bag: UNIQUE (qr_id): could not create unique index "bag_qr_id_key": Key (qr_id)=(A)',
    ),
    "orphan": (
        "ALTER TABLE tracetrack.scan DROP CONSTRAINT scan_bag_id_fkey; UPDATE tracetrack.scan SET bag_id = 99",
        'Key (bag_id)=(99) is not present in table "bag"',
    ),
    "check": (
        "ALTER TABLE tracetrack.bag DROP CONSTRAINT bag_type_check; UPDATE tracetrack.bag SET type = 'bottle'",
        'check constraint "bag_type_check" of relation "bag" is violated by some row',
    ),
    "other check of that name": (
        "ALTER TABLE tracetrack.bag DROP CONSTRAINT bag_type_check, ADD CONSTRAINT bag_type_check CHECK (type <> '')",
        'constraint "bag_type_check" for relation "bag" already exists',
    ),
    "view of that name": (
        "DROP TABLE tracetrack.link; CREATE VIEW tracetrack.link AS SELECT 1 AS parent_id",
        'cannot create table link: relation "link" already exists',
    ),
}


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_what_cannot_be_done_is_said_and_changes_nothing(whole, impossible):
    """Not even what else is missing, and comes first, is made."""
    damage, complaint = IMPOSSIBLE[impossible]
    whole.ask('DROP TABLE tracetrack.bill_bag; ALTER TABLE tracetrack."user" RENAME TO users')
    whole.ask(damage)
    rows = whole.ask("SELECT * FROM tracetrack.bag ORDER BY id")
    told = whole.refused()
    assert complaint in told
    assert told.endswith("; nothing was changed\n")
    assert whole.ask("SELECT * FROM tracetrack.bag ORDER BY id") == rows


def test_a_missing_column_without_default_is_added_where_no_rows_are(whole):
    expected = whole.catalog()
    whole.ask("TRUNCATE tracetrack.scan; ALTER TABLE tracetrack.scan DROP id, DROP user_id")
    whole.told()
    assert whole.catalog() == expected


def test_a_table_in_use_is_not_waited_for_without_end(whole, monkeypatch):
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_MS", 100)
    whole.ask("DROP INDEX tracetrack.bag_name")
    whole.ask("BEGIN; LOCK tracetrack.bag IN ROW EXCLUSIVE MODE")
    try:
        assert "cannot create index bag_name ON bag USING btree (name): canceling" in whole.refused()
    finally:
        whole.ask("ROLLBACK")


@pytest.fixture
def visitor(whole):
    """The URL of a role that may do nothing."""
    whole.ask("CREATE ROLE visitor LOGIN PASSWORD 'hidden'")
    yield make_url(whole.url).set(username="visitor", password="hidden").render_as_string(hide_password=False)
    whole.ask("DROP OWNED BY visitor; DROP ROLE visitor")


def test_without_permission_nothing_is_changed(whole, visitor):
    whole.ask("DROP INDEX tracetrack.bag_name")
    assert "permission denied for database" in whole.refused(url=visitor)
    whole.ask(f"GRANT CREATE ON DATABASE {DATABASE} TO visitor")
    assert "cannot create index bag_name" in (complaint := whole.refused(url=visitor))
    assert "permission denied for schema tracetrack" in complaint
    whole.ask("GRANT USAGE ON SCHEMA tracetrack TO visitor")
    assert "must be owner of table bag" in whole.refused(url=visitor)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"port": 1}, "Connection refused"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"password": "hidden"}, "password authentication failed"),
        ({"query": {"nonsense": "hidden"}}, 'invalid URI query parameter: "nonsense"'),
    ],
)
def test_a_database_that_does_not_answer_is_named_without_its_password(target, change, complaint):
    url = make_url(target.url).set(**change)
    told = target.refused(url=url.render_as_string(hide_password=False))
    assert complaint in told
    assert f"@{url.host}:{url.port}/{url.database} does not answer" in told
    assert url.password not in told


@pytest.mark.parametrize("url", ["", "hidden", "postgresql://u:hidden@host:port/database"])
def test_what_is_no_url_is_told(target, url):
    told = target.refused(url=url)
    assert (
        "the database URL does not look like postgresql://" if url else "TRACETRACK_DATABASE_URL is not set"
    ) in told
    assert "hidden" not in told


def test_the_application_works_on_what_was_empty(empty, make_app):
    empty.told()
    client = make_app(
        Settings(database_url=empty.url, secret_key="a key of the tests", sessions="cookie")
    ).test_client()
    assert client.get("/health").json["status"] == "ok"
    assert client.post("/login", data={"username": "user001", "password": "count every bag"}).status_code == 401


def test_the_command_needs_no_more_than_the_url(whole, monkeypatch, capsys):
    monkeypatch.setenv("TRACETRACK_DATABASE_URL", whole.url)
    monkeypatch.setattr(sys, "argv", ["reference_app", "migrate"])
    monkeypatch.delitem(sys.modules, "reference_app.__main__")
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("reference_app", run_name="__main__")
    assert capsys.readouterr() == ("nothing was missing\n", "")

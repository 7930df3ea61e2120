"""The template databases and the clones of runs."""

import signal
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

import pytest
from psycopg2.extensions import set_wait_callback

from instrumentation import deadlines
from loadgen import dataset, deployments, run_database
from loadgen.accounts import PASSWORD, username
from loadgen.dataset import CHILDREN_PER_PARENT, SCALES, TABLES
from reference_app.passwords import hash_password
from workbench.errors import UserError, reporting_errors
from workbench.interruption import INTERRUPTIONS

SMALL = SCALES["small"]


def ask(server, database, statement, *parameters):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def databases(server):
    return {name for (name,) in ask(server, None, "SELECT datname FROM pg_database")}


def digests(server, database):
    statement = "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM tracetrack.\"{}\" AS t"
    return {table: ask(server, database, statement.format(table))[0][0] for table in TABLES}


@contextmanager
def foreign_database(server):
    """A server of the user's own, with a schema in its database that the workbench did not create."""
    ask(server, None, 'CREATE DATABASE "somebody"')
    try:
        ask(server, "somebody", "CREATE SCHEMA tracetrack; CREATE TABLE tracetrack.bag (id) AS SELECT 42")
        yield replace(server, url=server.url_of("somebody"), child=None)
    finally:
        ask(server, None, 'DROP DATABASE "somebody" WITH (FORCE)')


@pytest.fixture
def restored_signals():
    """The signals' handlers and psycopg2's waiting as they were, after a command that was interrupted."""
    before = {number: signal.getsignal(number) for number in INTERRUPTIONS}
    yield
    set_wait_callback(None)
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_template_has_the_rows_of_its_scale(server, template):
    assert dataset.counts(server, template) == SMALL.counts()
    assert SMALL.counts()["link"] + SMALL.parents == SMALL.bags


def test_ensure_template_builds_a_template_once(server, template):
    (before,) = ask(server, None, "SELECT oid FROM pg_database WHERE datname = %s", template)
    assert dataset.ensure_template(server, "small", "btree") == template
    assert ask(server, None, "SELECT oid FROM pg_database WHERE datname = %s", template) == [before]


def test_ensure_template_builds_the_same_rows_every_time(server, template):
    before = digests(server, template)
    assert len(set(before.values())) == len(TABLES)
    ask(server, None, f'DROP DATABASE "{template}"')
    assert dataset.ensure_template(server, "small", "btree") == template
    assert digests(server, template) == before


def test_a_parent_has_thirty_children(server, template):
    linked = ask(server, template, "SELECT parent_id, count(*) FROM tracetrack.link GROUP BY 1 ORDER BY 1")
    assert [parent for parent, _ in linked] == list(range(1, SMALL.parents + 1))
    assert {children for _, children in linked[:-1]} == {CHILDREN_PER_PARENT}
    assert 0 < linked[-1][1] <= CHILDREN_PER_PARENT
    disagreeing = """
        SELECT count(*) FROM tracetrack.bag LEFT JOIN tracetrack.link ON child_id = id
        WHERE link.parent_id IS DISTINCT FROM bag.parent_id OR (type = 'child') IS DISTINCT FROM (child_id IS NOT NULL)
    """
    assert ask(server, template, disagreeing) == [(0,)]


def test_the_trigram_template_has_the_same_rows_and_its_indexes(server, template):
    trigram = dataset.ensure_template(server, "small", "trigram")
    assert digests(server, trigram) == digests(server, template)
    indexes = "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'"
    assert ask(server, trigram, indexes) == [(2,)]
    assert ask(server, template, indexes) == [(0,)]


def test_outdated_and_half_built_templates_are_dropped(server, template):
    ask(server, None, f'CREATE DATABASE tracetrack_small_btree_00000000 TEMPLATE "{template}"')
    ask(server, None, "CREATE DATABASE tracetrack_small_btree_11111111_building")
    ask(server, None, "CREATE DATABASE tracetrack_small_btree_somebodys")
    ask(server, None, f'DROP DATABASE "{template}"')
    try:
        dataset.ensure_template(server, "small", "btree")
        left = {name for name in databases(server) if name.startswith("tracetrack_small_btree_")}
        assert left == {template, "tracetrack_small_btree_somebodys"}
    finally:
        ask(server, None, "DROP DATABASE tracetrack_small_btree_somebodys")


def test_ensure_template_refuses_a_foreign_schema_and_leaves_it_alone(server):
    with foreign_database(server) as foreign:
        before = databases(server)
        with pytest.raises(UserError, match="already has a schema tracetrack") as refusal:
            dataset.ensure_template(foreign, "small", "btree")
        assert "DATABASE_URL" in refusal.value.message
        assert ask(server, "somebody", "SELECT id FROM tracetrack.bag") == [(42,)]
        assert databases(server) == before


@pytest.mark.parametrize("comment", ["theirs", "[]", '{"made_by": "another"}', None])
def test_a_schema_with_another_comment_is_foreign(server, comment):
    with foreign_database(server) as foreign:
        ask(server, "somebody", "COMMENT ON SCHEMA tracetrack IS %s", comment)
        with pytest.raises(UserError, match="nothing was changed"):
            dataset.ensure_template(foreign, "small", "btree")


@pytest.mark.parametrize("scheme", ["scrypt", "argon2id"])
def test_clone_has_the_rows_and_the_hashes_of_the_deployment(server, template, scheme):
    with run_database.clone(
        server, template, "20260101-a-run", deployments.settings_for("as-measured", password_hash=scheme)
    ) as name:
        assert dataset.counts(server, name) == SMALL.counts()
        stored = hash_password(PASSWORD, scheme, dataset.SALT)
        assert ask(server, name, 'SELECT DISTINCT password_hash FROM tracetrack."user"') == [(stored,)]
    assert name not in databases(server)
    assert ask(server, template, 'SELECT DISTINCT password_hash FROM tracetrack."user"') == [("",)]


def test_clone_is_dropped_after_a_failure_and_while_in_use(server, template):
    def fail(connections):
        with run_database.clone(server, template, "fails", deployments.settings_for("tuned")) as name:
            connections.append(server.connect(name))
            assert name in databases(server)
            raise LookupError

    in_use = []
    with pytest.raises(LookupError):
        fail(in_use)
    in_use[0].close()
    assert not {name for name in databases(server) if "fails" in name}


def test_clone_drops_clones_that_were_left_over(server, template):
    ask(server, None, "CREATE DATABASE tracetrack_run_left_over")
    with run_database.clone(server, template, "next", deployments.settings_for("tuned")) as name:
        assert {database for database in databases(server) if database.startswith("tracetrack_run_")} == {name}


def test_clone_on_a_foreign_server_leaves_other_clones_alone(server, template):
    ask(server, None, "CREATE DATABASE tracetrack_run_of_another")
    try:
        with run_database.clone(replace(server, child=None), template, "next", deployments.settings_for("tuned")):
            pass
        assert "tracetrack_run_of_another" in databases(server)
    finally:
        ask(server, None, "DROP DATABASE tracetrack_run_of_another")


def test_username_is_shared_by_users_beyond_the_accounts():
    names = [username(number, 100) for number in range(250)]
    assert names[:2] == ["user001", "user002"]
    assert set(names) == {f"user{number:03d}" for number in range(1, 101)}


def test_find_scale_of_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="small, production"):
        dataset.find_scale("huge")


def test_a_template_whose_dropping_was_cut_short_is_built_anew(server, template):
    """PostgreSQL marks such a database, which can only be dropped, by its limit of connections."""
    ask(server, None, "UPDATE pg_database SET datconnlimit = -2 WHERE datname = %s", template)
    assert dataset.ensure_template(server, "small", "btree") == template
    assert dataset.counts(server, template) == SMALL.counts()


@pytest.mark.parametrize("wait", [2, 5, 6, 9, "drop"])
def test_a_clone_is_dropped_whenever_the_signal_comes(server, template, restored_signals, monkeypatch, wait):
    """SIGTERM comes in one of the waits for the database while the clone is made, set up, or dropped."""
    waits, wait_for_server = 0, deadlines.wait
    made = partial(run_database.clone, run="interrupted", settings=deployments.settings_for("tuned"))

    def interrupt(connection):
        nonlocal waits
        waits += 1
        if waits == wait:
            signal.raise_signal(signal.SIGTERM)
        wait_for_server(connection)

    set_wait_callback(interrupt)
    monkeypatch.setattr(deadlines, "wait", interrupt)  # of the statements that are sent
    with pytest.raises(SystemExit) as end, reporting_errors(), made(server, template):  # noqa: PT012
        assert wait == "drop"
        wait = waits + 1
    assert end.value.code == 130
    assert "tracetrack_run_interrupted" not in databases(server)

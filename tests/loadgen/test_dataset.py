from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from loadgen import dataset, deployments
from loadgen.accounts import PASSWORD, username
from loadgen.dataset import CHILDREN_PER_PARENT, SCALES, TABLES
from reference_app.passwords import hash_password
from workbench.errors import UserError

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
def somebodys_database(server):
    """A server as a person would point us to it, with a schema of theirs in its database."""
    ask(server, None, 'CREATE DATABASE "somebody"')
    try:
        ask(server, "somebody", "CREATE SCHEMA tracetrack; CREATE TABLE tracetrack.bag (id) AS SELECT 42")
        yield replace(server, url=server.url_of("somebody"), child=None)
    finally:
        ask(server, None, 'DROP DATABASE "somebody" WITH (FORCE)')


def test_the_template_holds_what_the_scale_says(server, template):
    assert dataset.counts(server, template) == SMALL.counts()
    assert SMALL.counts()["link"] + SMALL.parents == SMALL.bags


def test_a_template_is_built_once(server, template):
    (before,) = ask(server, None, "SELECT oid FROM pg_database WHERE datname = %s", template)
    assert dataset.ensure_template(server, "small", "btree") == template
    assert ask(server, None, "SELECT oid FROM pg_database WHERE datname = %s", template) == [before]


def test_two_builds_make_the_same_rows(server, template):
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


def test_somebody_elses_schema_is_refused_and_left_alone(server):
    with somebodys_database(server) as theirs:
        before = databases(server)
        with pytest.raises(UserError, match="already has a schema tracetrack") as refusal:
            dataset.ensure_template(theirs, "small", "btree")
        assert "DATABASE_URL" in refusal.value.message
        assert ask(server, "somebody", "SELECT id FROM tracetrack.bag") == [(42,)]
        assert databases(server) == before


@pytest.mark.parametrize("comment", ["theirs", "[]", '{"made_by": "another"}', None])
def test_only_our_own_mark_counts(server, comment):
    with somebodys_database(server) as theirs:
        ask(server, "somebody", "COMMENT ON SCHEMA tracetrack IS %s", comment)
        with pytest.raises(UserError, match="nothing was changed"):
            dataset.ensure_template(theirs, "small", "btree")


@pytest.mark.parametrize("scheme", ["scrypt", "argon2id"])
def test_a_clone_has_the_rows_and_the_deployments_hashes(server, template, scheme):
    with dataset.clone(
        server, template, "20260101-a-run", deployments.find("as-measured", password_hash=scheme)
    ) as name:
        assert dataset.counts(server, name) == SMALL.counts()
        stored = hash_password(PASSWORD, scheme, dataset.SALT)
        assert ask(server, name, 'SELECT DISTINCT password_hash FROM tracetrack."user"') == [(stored,)]
    assert name not in databases(server)
    assert ask(server, template, 'SELECT DISTINCT password_hash FROM tracetrack."user"') == [("",)]


def test_a_clone_is_gone_after_a_failure_and_while_in_use(server, template):
    def fail(connections):
        with dataset.clone(server, template, "fails", deployments.find("tuned")) as name:
            connections.append(server.connect(name))
            assert name in databases(server)
            raise LookupError

    in_use = []
    with pytest.raises(LookupError):
        fail(in_use)
    in_use[0].close()
    assert not {name for name in databases(server) if "fails" in name}


def test_a_clone_that_was_left_over_is_dropped_by_the_next_run(server, template):
    ask(server, None, "CREATE DATABASE tracetrack_run_left_over")
    with dataset.clone(server, template, "next", deployments.find("tuned")) as name:
        assert {one for one in databases(server) if one.startswith("tracetrack_run_")} == {name}


def test_on_somebodys_server_a_clone_of_another_run_is_left_alone(server, template):
    ask(server, None, "CREATE DATABASE tracetrack_run_of_another")
    try:
        with dataset.clone(replace(server, child=None), template, "next", deployments.find("tuned")):
            pass
        assert "tracetrack_run_of_another" in databases(server)
    finally:
        ask(server, None, "DROP DATABASE tracetrack_run_of_another")


def test_more_users_than_accounts_share_them():
    names = [username(number, 100) for number in range(250)]
    assert names[:2] == ["user001", "user002"]
    assert set(names) == {f"user{number:03d}" for number in range(1, 101)}


def test_a_scale_that_is_not_there():
    with pytest.raises(UserError, match="small, production"):
        dataset.find_scale("huge")

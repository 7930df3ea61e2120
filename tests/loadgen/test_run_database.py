"""Databases that the server clones and drops while this process does something else."""

from contextlib import closing

import pytest

from loadgen import dataset, deployments
from loadgen.run_database import RunDatabases
from workbench.errors import UserError
from workbench.polling import attempts

SETTINGS = deployments.settings_for("tuned", scale="small")


def existing(server):
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, 'tracetrack_run_')")
        return {name for (name,) in cursor.fetchall()}


def oids(server, name):
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_database WHERE datname = %s", (name,))
        return [oid for (oid,) in cursor.fetchall()]


def test_template_is_looked_up_once_and_has_its_counts(server, template, monkeypatch):
    databases = RunDatabases(server)
    first = databases.template("small", "btree")
    assert first == (template, dataset.SCALES["small"].counts())
    monkeypatch.setattr(dataset, "ensure_template", None)
    assert databases.template("small", "btree") is first


def test_database_that_was_cloned_beforehand_is_that_of_its_run(server, template):
    with RunDatabases(server) as databases:
        with databases.clone("first", template, SETTINGS) as first:
            first.prepare()
            first.begin_next("second", "small", "btree")
            cloned = next(found for _ in attempts(20, 0.01) if (found := oids(server, "tracetrack_run_second")))
        with databases.clone("second", template, SETTINGS) as second:
            second.prepare()
            assert oids(server, second.name) == cloned


def test_databases_that_were_cloned_and_never_used_are_dropped_at_the_end(server, template):
    with RunDatabases(server) as databases:
        databases.begin_cloning("unused", template)
    assert existing(server) == set()


def test_a_load_waits_until_earlier_databases_are_dropped(server, template):
    with RunDatabases(server) as databases:
        with databases.clone("earlier", template, SETTINGS) as earlier:
            earlier.prepare()
        with databases.clone("later", template, SETTINGS) as later:
            later.prepare()
            later.require_quiet_server()
            assert existing(server) == {later.name}
    assert existing(server) == set()


def test_a_template_that_is_missing_is_named(server):
    with (
        RunDatabases(server) as databases,
        pytest.raises(UserError, match='template database "tracetrack_nothing" does not exist'),
        databases.clone("missing", "tracetrack_nothing", SETTINGS) as database,
    ):
        database.prepare()
    assert existing(server) == set()

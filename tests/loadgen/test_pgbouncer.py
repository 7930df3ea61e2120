"""PgBouncer between application and database: how it is started, and what its transaction mode does not keep."""

import json
import os
import signal
import socket
import stat
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest
from sqlalchemy import make_url

from loadgen import app_environment, deployments
from loadgen.services import PoolerSettings, pgbouncer, pooler
from reference_app.migrate import migrate
from tests.loadgen.run_process import RunProcess
from tests.processes import wait_until
from workbench.errors import UserError

SETTINGS = PoolerSettings(size=1, max_clients=20, wait_s=5, statement_timeout_ms=4321)
DEPLOYMENT = "tuned-with-pgbouncer"
SUSTAINED = ("run", "--deployment", DEPLOYMENT, "--scenario", "sustained-24", "--scale", "small")
needs_pgbouncer = pytest.mark.extra


@pytest.fixture
def app_url(server, database):
    return server.application_url_of(database)


@contextmanager
def pooled(url, folder, settings=SETTINGS, **parameters):
    """Two connections of psycopg2 through one PgBouncer; parameters are those of the connections."""
    with pooler(url, settings, folder / "pgbouncer.log") as started:
        connections = [psycopg2.connect(started.url, **parameters) for _ in range(2)]
        try:
            for connection in connections:
                connection.autocommit = True
            yield started, *connections
        finally:
            for connection in connections:
                connection.close()


def value(connection, statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0]


def execute(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_machine_without_pgbouncer_is_refused_in_one_line(app_url, tmp_path, monkeypatch):
    monkeypatch.setattr(pgbouncer, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not pgbouncer.is_installed()
    with pytest.raises(UserError) as refused, pooler(app_url, SETTINGS, tmp_path / "log"):
        pass
    assert refused.value.message == (
        "pgbouncer is not installed; install Debian's package pgbouncer, or choose a deployment without a pooler"
    )
    assert not (tmp_path / "log").exists()


def test_the_files_of_the_configuration_are_the_owners_only_and_quote_their_values(tmp_path):
    url = 'postgresql://an"app:p%22%27%40@127.0.0.1:1/a%27b'
    path = pgbouncer._write_configuration(tmp_path, url, SETTINGS, 6432, "admin")
    users = tmp_path / "users.txt"
    assert [stat.S_IMODE(file.stat().st_mode) for file in (path, users)] == [0o600, 0o600]
    assert users.read_text().splitlines()[0] == '"an""app" "p""\'@"'
    assert "dbname='a''b' connect_query='SET statement_timeout = 4321'" in path.read_text()


def test_the_configuration_has_passwords_and_this_machine_only(tmp_path):
    path = pgbouncer._write_configuration(tmp_path, "postgresql://app:x@127.0.0.1:1/a", SETTINGS, 6432, "admin")
    lines = path.read_text().splitlines()
    assert {"listen_addr = 127.0.0.1", "unix_socket_dir = ", "auth_type = scram-sha-256"} <= set(lines)


@needs_pgbouncer
def test_it_runs_for_its_block_and_leaves_nothing_but_its_log(app_url, server, tmp_path):
    log = tmp_path / "pgbouncer.log"
    with pooler(app_url, SETTINGS, log) as started:
        process = psutil.Process(started.child.pid)
        (configuration,) = (Path(word) for word in process.cmdline() if word.endswith(".ini"))
        assert configuration.parent.stat().st_mode & 0o077 == 0
        with closing(psycopg2.connect(started.url)) as connection:
            assert value(connection, "SELECT current_user") == server.application_role
        with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
            psycopg2.connect(make_url(started.url).set(password="another").render_as_string(hide_password=False))
        assert server.application_password not in repr(started)
    assert not process.is_running()
    assert not configuration.parent.exists()
    assert server.application_password not in log.read_text()


@needs_pgbouncer
def test_its_readings_count_transactions_and_connections(app_url, tmp_path):
    with pooled(app_url, tmp_path) as (started, first, second):
        for connection in (first, second, first):
            assert value(connection, "SELECT 1") == 1
        readings = started.readings()
    (pool,), (stats,) = readings["pools"], readings["stats"]
    assert readings["version"].startswith("PgBouncer 1.")
    assert (pool["cl_active"], pool["sv_idle"] + pool["sv_used"], pool["pool_mode"]) == (2, 1, "transaction")
    assert stats["total_xact_count"] >= 3
    assert json.dumps(readings)


@needs_pgbouncer
def test_readings_of_one_that_has_ended_are_refused_in_one_line(app_url, tmp_path):
    with pooler(app_url, SETTINGS, tmp_path / "log") as started:
        started.child.kill()
        started.child.wait(5)
        with pytest.raises(UserError, match=r"^PgBouncer does not answer: .*\nIts log is "):
            started.readings()


@needs_pgbouncer
def test_a_port_that_is_taken_is_named(app_url, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(pgbouncer, "free_port", lambda: taken.getsockname()[1])
        with (
            pytest.raises(UserError, match=r"^PgBouncer did not start: port \d+ of 127.0.0.1 is in use\nIts log is "),
            pooler(app_url, SETTINGS, tmp_path / "log"),
        ):
            pass


@needs_pgbouncer
def test_a_configuration_that_cannot_be_read_is_named(app_url, tmp_path, monkeypatch):
    write = pgbouncer._write_configuration

    def unreadable(*arguments):
        path = write(*arguments)
        path.write_text("[pgbouncer]\npool_mode = sometimes\n")
        return path

    monkeypatch.setattr(pgbouncer, "_write_configuration", unreadable)
    with (
        pytest.raises(UserError, match=r"^PgBouncer did not start: .*\nIts log is .*log$"),
        pooler(app_url, SETTINGS, tmp_path / "log"),
    ):
        pass
    assert "sometimes" in (tmp_path / "log").read_text() or "config" in (tmp_path / "log").read_text()


@needs_pgbouncer
def test_it_ends_when_it_is_frozen(app_url, tmp_path, monkeypatch):
    with pooler(app_url, SETTINGS, tmp_path / "log") as started:
        os.kill(started.child.pid, signal.SIGSTOP)
    assert not psutil.pid_exists(started.child.pid)


# What its transaction mode keeps, and what it breaks.


@needs_pgbouncer
def test_a_timeout_as_an_option_at_the_start_is_refused(app_url, tmp_path):
    with pytest.raises(psycopg2.OperationalError, match="unsupported startup parameter"):  # noqa: SIM117
        with pooled(app_url, tmp_path, options="-c statement_timeout=5000"):
            pass


@needs_pgbouncer
def test_the_pooler_sets_the_timeout_of_statements(app_url, tmp_path):
    with pooled(app_url, tmp_path) as (_, first, _):
        assert value(first, "SHOW statement_timeout") == "4321ms"


@needs_pgbouncer
def test_a_setting_of_a_session_reaches_other_clients(app_url, tmp_path):
    with pooled(app_url, tmp_path) as (_, first, second):
        execute(first, "SET work_mem = '7MB'")
        assert value(second, "SHOW work_mem") == "7MB"


@needs_pgbouncer
def test_a_setting_of_a_transaction_stays_in_it(app_url, tmp_path):
    with pooled(app_url, tmp_path) as (_, first, second):
        execute(first, "BEGIN; SET LOCAL work_mem = '7MB'; COMMIT")
        assert value(second, "SHOW work_mem") != "7MB"


@needs_pgbouncer
def test_a_prepared_statement_is_not_on_the_next_connection(app_url, tmp_path):
    with pooled(app_url, tmp_path, PoolerSettings(2, 20, 5)) as (_, first, second):
        execute(first, "PREPARE one AS SELECT 1")
        execute(second, "BEGIN; SELECT 1")  # it takes the connection that was used last
        with pytest.raises(psycopg2.errors.InvalidSqlStatementName):
            value(first, "EXECUTE one")


@needs_pgbouncer
def test_an_advisory_lock_of_a_session_excludes_nobody_and_one_of_a_transaction_does(app_url, tmp_path):
    with pooled(app_url, tmp_path, PoolerSettings(2, 20, 5)) as (_, first, second):
        assert value(first, "SELECT pg_try_advisory_lock(1)")
        assert value(second, "SELECT pg_try_advisory_lock(1)")  # by the same connection of the server
        execute(first, "BEGIN")
        assert value(first, "SELECT pg_try_advisory_xact_lock(2)")
        assert not value(second, "SELECT pg_try_advisory_xact_lock(2)")
        execute(first, "COMMIT")


@needs_pgbouncer
def test_a_migration_through_it_is_complete(server, database, tmp_path):
    with pooler(server.url_of(database), SETTINGS, tmp_path / "log") as started:
        assert migrate(started.url, "btree", ("session",)) == []


@needs_pgbouncer
def test_with_options_in_the_url_it_is_refused(app_url, tmp_path):
    with (
        pytest.raises(UserError, match=r"^DATABASE_URL has options, which PgBouncer does not pass on"),
        pooler(f"{app_url}?options=-c%20work_mem%3D7MB", SETTINGS, tmp_path / "log"),
    ):
        pass


# In a run.


@needs_pgbouncer
def test_the_route_of_a_deployment_leads_through_pooler_and_proxy(server, database, tmp_path):
    settings = deployments.settings_for("as-advised-with-pgbouncer")
    with app_environment.database_route(server, database, settings, tmp_path) as (url, route):
        assert list(route) == ["proxy", "pooler"]
        with closing(psycopg2.connect(url)) as connection:
            assert value(connection, "SELECT inet_server_port()") == make_url(server.url).port


@needs_pgbouncer
@pytest.mark.parametrize("deployment", [DEPLOYMENT, "tuned-without-pool-with-pgbouncer", "as-advised-with-pgbouncer"])
def test_a_run_records_the_pooler(command, deployment):
    finished = command.run(
        "run", "--deployment", deployment, "--scenario", "burst-25", "--scale", "small", "--allow-invalid", timeout=180
    )
    assert finished.returncode == 0, finished.stderr
    directory = Path(finished.stdout.splitlines()[-1])
    record = json.loads((directory / "run.json").read_text())
    ((pool,), settings) = record["pooler"]["pools"], deployments.settings_for(deployment)
    assert record["generator"]["requests"] == 75
    assert record["witnesses"]["database"]["statements"] == record["witnesses"]["application"]["statements"]
    servers = sum(pool[state] for state in ("sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"))
    assert 1 <= servers <= settings.pooler_size
    assert (directory / "pgbouncer.log").stat().st_size > 0
    assert command.processes() == []


@needs_pgbouncer
def test_a_killed_pooler_aborts_the_run_and_is_named(command):
    running = RunProcess(command, SUSTAINED)
    with running.process:
        running.rows()
        wait_until(lambda: _pooler_of(running.process.pid))
        _pooler_of(running.process.pid).kill()
        _, errors = running.process.communicate(timeout=20)
    assert running.process.returncode == 1
    assert "PgBouncer ended in mid-run (code -9)" in errors
    assert "Traceback" not in errors
    assert running.record()["status"] == "aborted"
    assert "PgBouncer" in running.record()["reasons"][0]


def _pooler_of(pid):
    children = psutil.Process(pid).children(recursive=True)
    return next((child for child in children if child.name() == "pgbouncer"), None)

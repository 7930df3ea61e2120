"""Gunicorn refuses to start a deployment that cannot work, with one line that names the reason."""

import os
import sys

import pytest

from instrumentation.worker_metrics import WorkerMetrics
from loadgen.app_code import AppCode
from loadgen.subprocesses import start
from tests.processes import wait_until
from tests.reference_app.start_refusal import STARTABLE, refused_start


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"secret_key": "your-secret-key-here"}, "TRACETRACK_SECRET_KEY is a placeholder, has under 16 characters"),
        ({"database_url": "postgresql://user:hidden@host:port/database"}, "TRACETRACK_DATABASE_URL cannot be used"),
        ({"sessions": "shared"}, "TRACETRACK_REDIS_URL is not set"),
        ({"redis_url": "redis://:hidden@host:6379/0?hidden=1"}, "TRACETRACK_REDIS_URL cannot be used"),
        ({"sessions": "filesystem", "session_directory": "/dev/null/sessions"}, "session_directory /dev/null/sessions"),
        ({"run_token": "hidden hidden hidden"}, "TRACETRACK_RUN_TOKEN must have 16 to 200 letters, digits, _ or -"),
        ({"workers": "many"}, "workers is 'many'; it must be a number"),
        ({"bind": ""}, "TRACETRACK_BIND is not set"),
        ({"server": "gevent", "preload": "true"}, "preload is on and server is gevent"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(environ, message):
    assert refused_start(STARTABLE, **environ).startswith(f"not started: {message}")


def test_a_deployment_over_the_connection_budget_is_refused(server, database):
    url = server.url_of(database)
    line = refused_start(STARTABLE, database_url=url, workers="90", pool_size="20")
    assert line.startswith("over the connection budget: 90 workers")
    assert not any(secret in line for secret in (server.url, server.url.partition("@")[0]))


def test_sessions_in_a_database_without_their_table_are_refused(server):
    line = refused_start(STARTABLE, database_url=server.url, sessions="database")
    assert line.startswith("not started: sessions is database, and the database has no table tracetrack.session;")
    assert "migrate --with session" in line


def test_a_metrics_file_of_another_application_is_refused(server, database, tmp_path):
    WorkerMetrics.create(tmp_path / "metrics", workers=1, counters=["orders"])
    line = refused_start(STARTABLE, database_url=server.url_of(database), readings_file=tmp_path / "metrics")
    assert line.startswith("not started: TRACETRACK_READINGS_FILE: ")
    assert "was created for the counters ['orders'], but this application declares" in line


def test_a_missing_metrics_file_is_refused(server, database, tmp_path):
    line = refused_start(STARTABLE, database_url=server.url_of(database), readings_file=tmp_path / "missing")
    assert line.startswith("not started: TRACETRACK_READINGS_FILE: ")
    assert "No such file" in line


def test_a_unix_socket_is_the_owners_only(settings, tmp_path):
    path, log = tmp_path / "socket", tmp_path / "gunicorn.log"
    command = [sys.executable, "-m", "gunicorn", "-c", str(AppCode().configuration)]
    environ = {**settings.to_env(), "TRACETRACK_BIND": f"unix:{path}"}
    with start("gunicorn", command, log, environ, prepare=lambda: os.umask(0)):
        wait_until(path.exists)
        assert path.stat().st_mode & 0o777 == 0o700

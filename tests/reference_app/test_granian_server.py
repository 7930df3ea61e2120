"""Granian as a server: the same rules as gunicorn's for starts, workers and bodies."""

import http.client
import os
import signal
import socket
import stat
import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from urllib.parse import urlsplit

import psutil
import pytest

from loadgen.app_code import OWN
from loadgen.server_commands import command
from loadgen.subprocesses import start
from reference_app.settings import Settings, SettingsError
from tests.brief_server import serve_briefly
from tests.processes import wait_until
from tests.reference_app.start_refusal import STARTABLE, refused_start

BODY = b"username=nobody&password=" + b"x" * 75
GRANIAN = replace(STARTABLE, server="granian", threads=4, body_timeout_s=0)


@pytest.fixture(scope="module")
def granian(server, database) -> Settings:
    return Settings(
        database_url=server.url_of(database),
        secret_key="a key of the tests",
        sessions="cookie",
        server="granian",
        workers=2,
        threads=4,
        body_timeout_s=0,
        pool_size=2,
        password_hash="argon2id",
        login_throttle=False,
        server_timing_for_all=True,
    )


@pytest.fixture(scope="module")
def served(granian, tmp_path_factory):
    with serve_briefly(granian, tmp_path_factory.mktemp("served") / "log") as running:
        yield running


def response(served, head, *pieces, shut=False):
    """Status, headers and body of the response to a login with this framing and these pieces of a body.

    `shut`: the client sends no more, and says so.
    """
    address = urlsplit(served.url)
    with closing(socket.create_connection((address.hostname, address.port), timeout=20)) as connection:
        lines = [b"POST /login HTTP/1.1", b"Host: h", b"Content-Type: application/x-www-form-urlencoded", head]
        connection.sendall(b"\r\n".join([*lines, b"", b"".join(pieces)]))
        if shut:
            connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.headers, answer.read()


def test_a_body_that_arrived_is_read(served):
    status, headers, _ = response(served, b"Content-Length: 100", BODY)
    assert status == 401
    assert headers["X-Frame-Options"] == "DENY"


def test_half_a_body_is_refused_when_its_client_stops_sending(served):
    assert response(served, b"Content-Length: 100", BODY[:10], shut=True)[0] == 400


def test_a_body_of_unknown_length_is_refused(served):
    assert response(served, b"Transfer-Encoding: chunked", b"64\r\n", BODY, b"\r\n0\r\n\r\n")[0] == 411


def test_a_body_over_the_limit_is_refused(served):
    assert response(served, b"Content-Length: 100000", BODY)[0] == 413


def test_a_unix_socket_is_the_owners_only(granian, tmp_path):
    path = tmp_path / "socket"
    environ = {**granian.to_env(), "TRACETRACK_BIND": f"unix:{path}"}
    with start("granian", command(granian, OWN), tmp_path / "log", environ, prepare=lambda: os.umask(0)) as child:
        wait_until(lambda: is_answering(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        os.killpg(child.pid, signal.SIGKILL)


def is_answering(path):
    """True if a server takes connections at this Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def test_a_slow_body_holds_up_one_thread_only(granian, tmp_path, visit):
    with serve_briefly(replace(granian, workers=1), tmp_path / "log") as one_worker, ExitStack() as stack:
        address = urlsplit(one_worker.url)
        for _ in range(granian.threads - 1):
            slow = stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=20))
            slow.sendall(b"POST /login HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
        for _ in range(5):
            assert visit(one_worker).get("/login").status == 200


def test_a_deadline_for_bodies_is_refused():
    with pytest.raises(SettingsError, match="no deadline for a body"):
        replace(GRANIAN, body_timeout_s=10)


def workers(served):
    return psutil.Process(served.child.pid).children()


def test_an_ended_worker_is_replaced_under_its_number(served, visit):
    ended = workers(served)[0]
    ended.kill()
    wait_until(lambda: len([worker for worker in workers(served) if worker.pid != ended.pid]) == 2)
    wait_until(lambda: visit(served).get("/health").status == 200)


def test_workers_end_with_a_killed_server(granian, tmp_path):
    with serve_briefly(replace(granian, workers=1), tmp_path / "log") as running:
        (worker,) = workers(running)
        os.kill(running.child.pid, signal.SIGKILL)
        wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_a_placeholder_as_key_is_refused():
    assert refused_start(replace(GRANIAN, secret_key="change-me")).startswith("not started: TRACETRACK_SECRET_KEY")


def test_a_deployment_over_the_connection_budget_is_refused(granian):
    over = replace(granian, pool_size=400)
    assert refused_start(over).startswith("over the connection budget:")


def test_preload_is_refused():
    with pytest.raises(SettingsError, match="server is granian"):
        replace(GRANIAN, preload=True)


def test_command_names_another_application():
    assert command(GRANIAN, OWN, "slow:app()") == [sys.executable, "-m", "reference_app.granian_server", "slow:app()"]

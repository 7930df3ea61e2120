"""Every wait for PostgreSQL ends at its deadline: connecting, the pre-ping, a statement."""

import socket
import time

import psutil
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from reference_app.database import connection, rows
from tests.processes import frozen
from tests.reference_app.pool_connections import backend, metrics


@pytest.mark.parametrize("deadlines", [False, True])
def test_connecting_to_a_silent_server_ends_at_its_timeout(start, deadlines):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/db"
        start(database_url=url, connect_timeout_s=2, deadlines=deadlines)
        started_s = time.monotonic()
        with pytest.raises(OperationalError):
            backend()
        assert 1.5 <= time.monotonic() - started_s < 10


def test_a_server_that_was_too_slow_to_connect_to_is_left_at_once(start):
    with socket.create_server(("127.0.0.1", 0)) as slow:
        url = f"postgresql://u:p@127.0.0.1:{slow.getsockname()[1]}/db?sslmode=disable"
        start(database_url=url, connect_timeout_s=1, deadlines=True)
        with pytest.raises(OperationalError) as failure:
            backend()
        connection, _ = slow.accept()
        with connection:
            connection.settimeout(5)
            assert connection.recv(1000)
            assert connection.recv(1000) == b""
    assert failure  # which has the driver's connection in its traceback


def test_a_timeout_of_zero_is_no_limit(start):
    app = start(connect_timeout_s=0, pool_timeout_s=0, pool_recycle_s=0, deadlines=True)
    assert backend() == backend()
    assert metrics(app)["recycles"] == 0


@pytest.mark.parametrize("host", ["db.internal", "tt.proxy-c1a2b3.us-east-1.rds.amazonaws.com"])
def test_a_statement_ends_at_its_timeout(start, settings, host):
    url = make_url(settings.database_url)
    named = url.set(host=host, query={"hostaddr": url.host}).render_as_string(hide_password=False)
    start(database_url=named, statement_timeout_ms=100)
    with pytest.raises(OperationalError, match="statement timeout"), connection() as opened:
        rows(opened, text("SELECT pg_sleep(10)"))


def test_a_frozen_backend_costs_no_more_than_a_pre_ping_and_a_connect(start):
    app = start(deadlines=True, connect_timeout_s=1)
    first = backend()
    started_s = time.monotonic()
    with frozen([first]):
        assert backend() != first
    assert 1 <= time.monotonic() - started_s < 5
    assert metrics(app)["ping_failures"] == 1


def test_a_frozen_server_costs_no_more_than_the_timeout_of_the_pool(start, server):
    start(deadlines=True, connect_timeout_s=20, pool_timeout_s=1.0)
    backend()
    started_s = time.monotonic()
    with frozen(server_processes(server)), pytest.raises(OperationalError, match="deadline"):
        backend()
    assert 1 <= time.monotonic() - started_s < 5


def server_processes(server):
    return [server.pid, *(child.pid for child in psutil.Process(server.pid).children())]


def test_deadlines_change_no_result(start):
    start(deadlines=True)
    with connection() as opened:
        assert rows(opened, text("SELECT generate_series(1, 3) AS n")) == [{"n": 1}, {"n": 2}, {"n": 3}]
    with pytest.raises(Exception, match="does not exist"), connection() as opened:
        rows(opened, text("SELECT * FROM nothing"))
    assert backend()

"""Each pool setting in force, as the server, the socket or the clock shows it."""

import logging
import os
import signal
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError

from loadgen import proxy
from loadgen.recorder import server_timing
from reference_app import pool, waiting
from reference_app.database import connection, rows
from reference_app.profiles import detect, is_proxy
from reference_app.readings import POOL_FIELDS, Readings

PID = text("SELECT pg_backend_pid() AS pid")
RDS_HOST = "tracetrack.c1a2b3.eu-central-1.rds.amazonaws.com"


@pytest.fixture
def start(make_app, settings):
    """Starts an application with other settings, in a context in which its connections can be taken."""
    with ExitStack() as stack:

        def started(**changed):
            app = make_app(replace(settings, **changed))
            stack.enter_context(app.app_context())
            return app

        yield started
        waiting.install(False)


def backend():
    with connection() as opened:
        return rows(opened, PID)[0]["pid"]


def reading(app):
    return app.extensions["readings"].read()[0]


@contextmanager
def held(count):
    """Connections in other threads' hands; yields their backends, in the order in which they were taken."""
    with ExitStack() as stack:
        yield [rows(stack.enter_context(connection()), PID)[0]["pid"] for _ in range(count)]


def test_a_pooled_connection_is_used_again(start):
    start()
    assert backend() == backend()


def test_without_a_pool_each_use_has_its_own_connection(start):
    app = start(pool="none")
    assert backend() != backend()
    assert reading(app)["creates"] == 2
    assert reading(app)["open"] == 0


@pytest.mark.parametrize(("order", "place"), [("lifo", 0), ("fifo", -1)])
def test_the_order_decides_which_connection_comes_next(start, order, place):
    start(pool_order=order)
    with held(2) as taken:
        pass
    # The stack gives them back in reverse: the first taken is the last returned.
    assert backend() == taken[place]


def test_overflow_connections_are_closed_when_they_come_back(start):
    app = start(pool_size=1, pool_max_overflow=2)
    with held(3) as taken:
        assert len(set(taken)) == 3
        assert reading(app)["open"] == reading(app)["checked_out"] == 3
    assert reading(app)["open"] == 1
    assert reading(app)["most_checked_out"] == 3


@pytest.mark.parametrize(
    ("changed", "pings"),
    [({}, 2), ({"pool_pre_ping": False}, 0), ({"pool_ping_after_ms": 60_000}, 0), ({"pool_ping_after_ms": 1}, 2)],
)
def test_the_server_sees_the_pre_pings(start, server, database, changed, pings):
    start(**changed)
    with server.connect(database) as seen, seen.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        count = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query = 'SELECT $1' AND dbid = %s::oid"
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        oid = cursor.fetchone()
        backend()  # a fresh connection is not pinged
        cursor.execute(count, oid)
        (before,) = cursor.fetchone()
        for _ in range(2):
            time.sleep(0.01)
            backend()
        cursor.execute(count, oid)
        assert cursor.fetchone()[0] - before == pings
    seen.close()


def terminate(server, pid):
    seen = server.connect()
    with seen.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    seen.close()


def test_a_pre_ping_finds_a_dead_connection_before_the_application_does(start, server):
    app = start()
    first = backend()
    terminate(server, first)
    assert backend() != first
    assert (reading(app)["ping_failures"], reading(app)["invalidations"]) == (1, 1)


@pytest.mark.parametrize("changed", [{"pool_pre_ping": False}, {"pool_ping_after_ms": 60_000}])
def test_without_pre_ping_the_application_meets_the_dead_connection(start, server, changed):
    start(**changed)
    terminate(server, backend())
    with pytest.raises(OperationalError):
        backend()
    assert backend()


def test_a_connection_is_replaced_when_it_is_too_old(start):
    app = start(pool_recycle_s=1)
    first = backend()
    assert backend() == first
    time.sleep(1.1)
    assert backend() != first
    assert reading(app)["recycles"] == 1


@pytest.mark.parametrize(("profile", "idle_s", "size", "limit"), [("local", 5, 30, 50), ("rds", 30, 40, 90)])
def test_a_profile_is_in_force(start, profile, idle_s, size, limit):
    """Its sizes by the connections that can be had and that stay, its keepalives by the socket."""
    app = start(pool_profile=profile, pool_size=None, tcp_user_timeout_ms=7000, pool_timeout_s=0.1)
    with held(limit) as backends:
        assert len(set(backends)) == limit
        with pytest.raises(TimeoutError):
            backend()
    assert reading(app)["open"] == size
    assert reading(app)["limit"] == limit
    with connection() as opened:
        wire = socket.fromfd(opened.connection.dbapi_connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        with wire:
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == idle_s
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000


@pytest.mark.parametrize(("profile", "recycle_s"), [("local", 1800), ("rds", 280)])
def test_a_profile_replaces_connections_at_its_age(start, profile, recycle_s):
    start(pool_profile=profile)
    for age_s, is_replaced in ((recycle_s - 5, False), (recycle_s + 5, True)):
        with connection() as opened:
            before = rows(opened, PID)[0]["pid"]
            opened.connection._connection_record.starttime = time.time() - age_s
        assert (backend() != before) == is_replaced


@pytest.mark.parametrize("deadlines", [False, True])
def test_connecting_to_a_server_that_is_silent_ends_at_its_timeout(start, deadlines):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/db"
        start(database_url=url, connect_timeout_s=2, deadlines=deadlines)
        started_s = time.monotonic()
        with pytest.raises(OperationalError):
            backend()
        assert 1.5 <= time.monotonic() - started_s < 10


def test_zero_is_no_limit(start):
    app = start(connect_timeout_s=0, pool_timeout_s=0, pool_recycle_s=0, deadlines=True)
    assert backend() == backend()
    assert reading(app)["recycles"] == 0


def test_a_detached_connection_is_nobodys_any_more(start):
    app = start()
    with connection() as opened:
        opened.detach()
        assert (reading(app)["checked_out"], reading(app)["open"]) == (0, 0)
    assert backend()
    assert reading(app)["open"] == 1


def test_a_connection_is_usable_after_any_failure(start):
    start(pool_size=1, pool_max_overflow=0, statement_timeout_ms=100)
    first = backend()
    for failing in ("SELECT pg_sleep(5)", "SELECT 1/0", "INSERT INTO tracetrack.scan (bag_id, user_id) VALUES (-1, 1)"):
        with pytest.raises(DBAPIError), connection() as opened:
            rows(opened, text(failing))
        assert backend() == first


@pytest.mark.parametrize(
    ("host", "profile", "proxy"),
    [
        ("db.internal", "local", False),
        ("127.0.0.1", "local", False),
        (RDS_HOST, "rds", False),
        (RDS_HOST.upper(), "rds", False),
        ("tt.cluster-ro-c1a2b3.us-east-1.rds.amazonaws.com", "rds", False),
        ("tt.proxy-c1a2b3.us-east-1.rds.amazonaws.com", "rds", True),
        ("ro.endpoint.proxy-c1a2b3.us-east-1.rds.amazonaws.com", "rds", True),
        ("tt.c1a2b3.rds.cn-north-1.amazonaws.com.cn", "rds", False),
        ("tt.proxy-c1a2b3.rds.cn-north-1.amazonaws.com.cn", "rds", True),
        ("rds.amazonaws.com.example.org", "local", False),
        ("cards.amazonaws.com", "local", False),
        ("proxy-x.example.org", "local", False),
        ("/db?host=" + RDS_HOST, "rds", False),
    ],
)
def test_amazons_host_names_are_told_from_others(host, profile, proxy):
    url = f"postgresql://{host}" if host.startswith("/") else f"postgresql://u:p@{host}:5432/db"
    assert (detect(url), is_proxy(url)) == (profile, proxy)


@pytest.fixture
def rds_url(settings):
    """The test server under the name that an RDS instance has."""
    url = make_url(settings.database_url)
    named = url.set(host=RDS_HOST, query={"hostaddr": url.host})
    return named.render_as_string(hide_password=False)


@pytest.fixture
def rds_role(server):
    seen = server.connect()
    with seen.cursor() as cursor:
        cursor.execute("CREATE ROLE rds_superuser")
        yield
        cursor.execute("DROP ROLE rds_superuser")
    seen.close()


def profile_of(app):
    return app.test_client().get("/health").json["pool_profile"]


def test_an_rds_database_is_found_by_its_name_and_confirmed_by_its_role(start, rds_url, rds_role):
    app = start(database_url=rds_url, pool_size=None)
    assert profile_of(app) == {"name": "rds", "found_by": "host name", "confirmed": True}
    assert reading(app)["limit"] == 90


def test_a_name_of_ones_own_can_be_overridden(start, rds_role):
    app = start(pool_profile="rds", pool_size=None)
    assert profile_of(app) == {"name": "rds", "found_by": "setting", "confirmed": True}


def test_a_profile_that_the_server_does_not_confirm_is_told(start, rds_url):
    assert profile_of(start(database_url=rds_url))["confirmed"] is False
    assert profile_of(start()) == {"name": "local", "found_by": "host name", "confirmed": True}


@pytest.mark.parametrize("host", ["db.internal", "tt.proxy-c1a2b3.us-east-1.rds.amazonaws.com"])
def test_a_statement_ends_at_its_timeout(start, settings, host):
    url = make_url(settings.database_url)
    named = url.set(host=host, query={"hostaddr": url.host}).render_as_string(hide_password=False)
    start(database_url=named, statement_timeout_ms=100)
    with pytest.raises(OperationalError, match="statement timeout"), connection() as opened:
        rows(opened, text("SELECT pg_sleep(10)"))


@contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_frozen_backend_costs_no_more_than_a_pre_ping_and_a_connect(start):
    app = start(deadlines=True, connect_timeout_s=1)
    first = backend()
    started_s = time.monotonic()
    with frozen(first):
        assert backend() != first
    assert 1 <= time.monotonic() - started_s < 5
    assert reading(app)["ping_failures"] == 1


def test_a_frozen_server_costs_no_more_than_the_timeout_of_the_pool(start, server):
    start(deadlines=True, connect_timeout_s=20, pool_timeout_s=1.0)
    backend()
    started_s = time.monotonic()
    with frozen(server.pid), frozen_backends(server), pytest.raises(OperationalError, match="deadline"):
        backend()
    assert 1 <= time.monotonic() - started_s < 5


@contextmanager
def frozen_backends(server):
    with ExitStack() as stack:
        for child in psutil.Process(server.pid).children():
            stack.enter_context(frozen(child.pid))
        yield


def test_deadlines_change_no_answer(start):
    start(deadlines=True)
    with connection() as opened:
        assert rows(opened, text("SELECT generate_series(1, 3) AS n")) == [{"n": 1}, {"n": 2}, {"n": 3}]
    with pytest.raises(Exception, match="does not exist"), connection() as opened:
        rows(opened, text("SELECT * FROM nothing"))
    assert backend()


@contextmanager
def waiting_caller(app):
    """Another thread that waits for a connection; yields what it got to see at the end."""
    outcome = []

    def ask():
        with app.app_context():
            try:
                outcome.append(backend())
            except TimeoutError as error:
                outcome.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    yield outcome
    thread.join()


def wait_until(condition):
    deadline_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_who_waits_is_seen_and_the_wait_is_booked(start):
    app = start(pool_size=1, pool_max_overflow=0)
    with ExitStack() as stack:
        (taken,) = stack.enter_context(held(1))
        with waiting_caller(app) as outcome:
            wait_until(lambda: reading(app)["pending"] == 1)
            time.sleep(0.1)
            stack.close()
    assert outcome == [taken]
    assert reading(app)["pending"] == 0
    assert 0.1e9 <= reading(app)["longest_wait_ns"] <= reading(app)["wait_ns"] < 2e9


def test_a_wait_that_is_too_long_is_a_timeout(start):
    app = start(pool_size=1, pool_max_overflow=0, pool_timeout_s=0.2)
    with held(1), waiting_caller(app) as outcome:
        pass
    assert isinstance(outcome[0], TimeoutError)
    assert reading(app)["timeouts"] == 1
    assert 0.2e9 <= reading(app)["longest_wait_ns"] < 2e9
    assert reading(app)["most_pending"] == 1


def test_creating_is_not_waiting(start):
    app = start()
    backend()
    seen = reading(app)
    assert seen["creates"] == 1
    assert 0 < seen["wait_ns"] < seen["create_ns"] / 2


def test_a_connection_that_is_held_for_long_is_told_with_its_taker(start, monkeypatch, caplog):
    monkeypatch.setattr(pool, "LONG_HOLD_NS", 10_000_000)
    app = start()
    with caplog.at_level(logging.WARNING, logger="reference_app.pool"):
        backend()
        with connection():
            time.sleep(0.02)
    (record,) = caplog.records
    assert Path(record.taken_at.split(":")[0]).name == "test_pool.py"
    assert record.held_s >= 0.02
    assert reading(app)["long_holds"] == 1


def test_the_statistics_outlive_a_disposed_pool(start):
    app = start()
    backend()
    app.extensions["engine"].dispose()
    backend()
    assert reading(app)["creates"] == 2
    assert reading(app)["open"] == 1
    assert reading(app)["acquires"] == 2


def test_the_readings_are_in_the_file_that_others_map(start, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_WORKER", "3")
    Readings.create(tmp_path / "readings", workers=2)
    start(readings_file=str(tmp_path / "readings"))
    with connection():
        seen = Readings.open(tmp_path / "readings").read()
    assert list(seen) == [3]
    assert seen[3]["pid"] == os.getpid()
    assert (seen[3]["checked_out"], seen[3]["size"]) == (1, 2)


def test_a_stock_pool_is_left_alone(start):
    app = start(pool_timed=False)
    assert backend() == backend()
    (reading,) = app.extensions["readings"].read().values()
    assert {name: reading[name] for name in POOL_FIELDS} == dict.fromkeys(POOL_FIELDS, 0)


@pytest.fixture
def counted(start, settings, tmp_path):
    """Starts an application behind a proxy that counts the turns on the wire; yields a function that asks for them."""
    url = make_url(settings.database_url)
    with proxy.through((url.host, url.port), 0, tmp_path / "proxy.log") as between:
        host, port = between.address
        through = url.set(host=host, port=port).render_as_string(hide_password=False)

        def started(**changed):
            app = start(database_url=through, **changed)
            backend()  # opens the connection, which is not counted
            return app, lambda: between.counts()[1]

        yield started


@pytest.mark.parametrize(
    ("changed", "trips"),
    [
        ({}, 5),  # pre-ping, BEGIN, two statements, ROLLBACK
        ({"pool_pre_ping": False}, 4),
        ({"pool_ping_after_ms": 60_000}, 4),
        ({"reads": "autocommit"}, 3),
        ({"reads": "autocommit", "pool_pre_ping": False}, 2),
        ({"statistics_query": "separate"}, 8),
        ({"deadlines": True}, 5),
    ],
)
def test_the_counted_round_trips_are_those_on_the_wire(counted, changed, trips):
    app, on_the_wire = counted(**changed)
    client = app.test_client()
    with client.session_transaction() as session:
        session["user"] = {"id": 1, "username": "user001", "role": "admin"}
    before = on_the_wire()
    told = server_timing(client.get("/api/dashboard/stats").headers["Server-Timing"])
    assert told["db_round_trips"] == on_the_wire() - before == trips


def test_a_write_pays_for_its_commit(counted):
    app, on_the_wire = counted()
    client = app.test_client()
    with client.session_transaction() as session:
        session["user"] = {"id": 1, "username": "user001", "role": "admin"}
    before = on_the_wire()
    answer = client.post("/api/scans", json={"qr_id": "M444-0000009"}, headers={"Idempotency-Key": "wire"})
    assert answer.status_code == 201
    # Pre-ping, BEGIN, the bag, the scan, COMMIT.
    assert server_timing(answer.headers["Server-Timing"])["db_round_trips"] == on_the_wire() - before == 5
    before = on_the_wire()
    answer = client.post("/api/scans", json={"qr_id": "NOBODY"}, headers={"Idempotency-Key": "none"})
    assert answer.status_code == 404
    # Pre-ping, BEGIN, the bag that is not there, ROLLBACK.
    assert server_timing(answer.headers["Server-Timing"])["db_round_trips"] == on_the_wire() - before == 4

"""Each pool setting in force, as the server, the socket or the clock shows it."""

import logging
import os
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError

from instrumentation import timed_pool
from instrumentation.worker_metrics import POOL_FIELDS, Readings
from reference_app.database import connection, rows
from tests.reference_app.taken import backend, held, reading


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
    monkeypatch.setattr(timed_pool, "LONG_HOLD_NS", 10_000_000)
    app = start()
    with caplog.at_level(logging.WARNING, logger="instrumentation.timed_pool"):
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

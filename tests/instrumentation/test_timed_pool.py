"""The timed pool: the effect of each setting, as the server, the socket or the clock shows it, and its counts."""

import logging
import os
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError

from instrumentation import timed_pool
from instrumentation.worker_metrics import POOL_FIELDS, WorkerMetrics
from reference_app.counters import COUNTERS
from reference_app.database import connection, rows
from tests.processes import wait_until
from tests.reference_app.pool_connections import backend, held, metrics
from tests.reference_app.sign_in import STATISTICS, give_session
from tests.timings import server_timing


def test_a_pooled_connection_is_reused(start):
    start()
    assert backend() == backend()


def test_without_a_pool_each_use_has_its_own_connection(start):
    app = start(pool="none")
    assert backend() != backend()
    assert metrics(app)["creates"] == 2
    assert metrics(app)["open"] == 0


@pytest.mark.parametrize(("order", "place"), [("lifo", 0), ("fifo", -1)])
def test_the_order_decides_which_connection_comes_next(start, order, place):
    start(pool_order=order)
    with held(2) as backends:
        pass
    # They are returned in reverse: the first taken is the last returned.
    assert backend() == backends[place]


def test_overflow_connections_are_closed_when_they_come_back(start):
    app = start(pool_size=1, pool_max_overflow=2)
    with held(3) as backends:
        assert len(set(backends)) == 3
        assert metrics(app)["open"] == metrics(app)["checked_out"] == 3
    assert metrics(app)["open"] == 1
    assert metrics(app)["most_checked_out"] == 3


@pytest.mark.parametrize(
    ("changed", "pings"),
    [({}, 2), ({"pool_pre_ping": False}, 0), ({"pool_ping_after_ms": 60_000}, 0), ({"pool_ping_after_ms": 1}, 2)],
)
def test_the_server_sees_the_pre_pings(start, server, database, changed, pings):
    start(**changed)
    with server.connect(database) as observer, observer.cursor() as cursor:
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
    observer.close()


def terminate(server, pid):
    observer = server.connect()
    with observer.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    observer.close()


def test_a_pre_ping_finds_a_dead_connection_before_the_application_does(start, server):
    app = start()
    first = backend()
    terminate(server, first)
    assert backend() != first
    assert (metrics(app)["ping_failures"], metrics(app)["invalidations"]) == (1, 1)


@pytest.mark.parametrize("changed", [{"pool_pre_ping": False}, {"pool_ping_after_ms": 60_000}])
def test_without_pre_ping_the_application_gets_the_dead_connection(start, server, changed):
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
    assert metrics(app)["recycles"] == 1


def test_a_detached_connection_leaves_the_pool(start):
    app = start()
    with connection() as opened:
        opened.detach()
        assert (metrics(app)["checked_out"], metrics(app)["open"]) == (0, 0)
    assert backend()
    assert metrics(app)["open"] == 1


def test_a_connection_is_usable_after_any_failure(start):
    start(pool_size=1, pool_max_overflow=0, statement_timeout_ms=100)
    first = backend()
    for failing in ("SELECT pg_sleep(5)", "SELECT 1/0", "INSERT INTO tracetrack.scan (bag_id, user_id) VALUES (-1, 1)"):
        with pytest.raises(DBAPIError), connection() as opened:
            rows(opened, text(failing))
        assert backend() == first


@contextmanager
def waiting_caller(app):
    """Run another thread that waits for a connection; yields a list that gets its backend or its error."""
    outcome = []

    def take():
        with app.app_context():
            try:
                outcome.append(backend())
            except (TimeoutError, OperationalError) as error:
                outcome.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    yield outcome
    thread.join()


def test_a_waiting_caller_is_counted_and_its_wait_is_booked(start):
    app = start(pool_size=1, pool_max_overflow=0)
    with ExitStack() as stack:
        (holder,) = stack.enter_context(held(1))
        with waiting_caller(app) as outcome:
            wait_until(lambda: metrics(app)["pending"] == 1)
            time.sleep(0.1)
            stack.close()
    assert outcome == [holder]
    assert metrics(app)["pending"] == 0
    assert 0.1e9 <= metrics(app)["longest_wait_ns"] <= metrics(app)["wait_ns"] < 2e9


def test_a_wait_that_is_too_long_is_a_timeout(start):
    app = start(pool_size=1, pool_max_overflow=0, pool_timeout_s=0.2)
    with held(1), waiting_caller(app) as outcome:
        pass
    assert isinstance(outcome[0], TimeoutError)
    assert metrics(app)["timeouts"] == 1
    assert 0.2e9 <= metrics(app)["longest_wait_ns"] < 2e9
    assert metrics(app)["most_pending"] == 1


def test_creating_a_connection_is_not_waiting(start):
    app = start()
    backend()
    values = metrics(app)
    assert values["creates"] == 1
    assert 0 < values["wait_ns"] < values["create_ns"] / 2


def test_a_connection_that_is_held_for_long_is_logged_with_the_line_that_took_it(start, monkeypatch, caplog):
    monkeypatch.setattr(timed_pool, "LONG_HOLD_NS", 10_000_000)
    app = start()
    with caplog.at_level(logging.WARNING, logger="instrumentation.timed_pool"):
        backend()
        with connection():
            time.sleep(0.02)
    (record,) = caplog.records
    assert Path(record.taken_at.split(":")[0]).name == Path(__file__).name
    assert record.held_s >= 0.02
    assert metrics(app)["long_holds"] == 1


def test_the_statistics_outlive_a_disposed_pool(start):
    app = start()
    backend()
    app.extensions["engine"].dispose()
    backend()
    assert metrics(app)["creates"] == 2
    assert metrics(app)["open"] == 1
    assert metrics(app)["acquires"] == 2


def test_the_metrics_are_in_the_file_that_other_processes_map(start, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_WORKER", "3")
    WorkerMetrics.create(tmp_path / "metrics", workers=2, counters=COUNTERS)
    start(readings_file=str(tmp_path / "metrics"))
    with connection():
        workers = WorkerMetrics.open(tmp_path / "metrics", COUNTERS).read()
    assert list(workers) == [3]
    assert workers[3]["pid"] == os.getpid()
    assert (workers[3]["checked_out"], workers[3]["size"]) == (1, 2)


def test_a_pool_that_is_not_timed_counts_nothing(start):
    app = start(pool_timed=False)
    assert backend() == backend()
    values = metrics(app)
    assert {name: values[name] for name in POOL_FIELDS} == dict.fromkeys(POOL_FIELDS, 0)


def test_a_request_reports_the_first_connection_that_it_used(start):
    app = start(pool_size=2, pool_order="fifo")
    client = app.test_client()
    give_session(client)
    with held(2):
        pass
    # They are returned in reverse: the second one comes next, and then the first, for the statistics.
    assert server_timing(client.get(STATISTICS).headers["Server-Timing"])["connection"] == 2
    assert server_timing(client.get(STATISTICS).headers["Server-Timing"])["connection"] == 2


def test_a_new_connection_has_a_number_of_its_own(start):
    client = start(pool="none").test_client()
    give_session(client)
    first, second = (server_timing(client.get(STATISTICS).headers["Server-Timing"])["connection"] for _ in range(2))
    assert 1 <= first < second


def test_a_caller_that_waits_gets_the_place_of_a_connection_that_could_not_be_opened(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/db"
        timeouts = {"connect_timeout_s": 2, "pool_timeout_s": 30}
        app = start(database_url=url, pool_size=1, pool_max_overflow=0, **timeouts)
        started_s = time.monotonic()
        with waiting_caller(app), waiting_caller(app):
            wait_until(lambda: metrics(app)["pending"] == 2)
    assert time.monotonic() - started_s < 10
    assert (metrics(app)["create_failures"], metrics(app)["timeouts"]) == (2, 0)

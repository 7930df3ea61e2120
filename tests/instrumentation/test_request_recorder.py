"""What a worker records of its requests and statements, and what the monitor reads of it."""

import subprocess
import sys
import threading
import time

import pytest

from instrumentation.monitor_file import (
    MAX_ROUTES,
    MAX_SLOW_REQUESTS,
    MAX_SLOW_STATEMENTS,
    MonitorFile,
    MonitorFileError,
    statement_bucket,
)
from instrumentation.request_recorder import MAX_QUEUED_STATEMENTS, RequestRecorder
from instrumentation.section_writer import OTHER_METHOD, OTHER_ROUTE
from instrumentation.statement_text import without_values


@pytest.fixture
def file():
    return MonitorFile.private()


@pytest.fixture
def recorder(file):
    return RequestRecorder(file.section(0), lambda: "the-request")


def recorded(file):
    (worker,) = file.read().values()
    return worker


def test_a_request_is_counted_by_method_route_and_status_with_its_id(file, recorder):
    recorder.record("GET", "/bags", 200, 7_000, "first")
    recorder.record("GET", "/bags", "200 OK", 8_000, "second")
    recorder.record("GET", "/bags", "503 SERVICE UNAVAILABLE", 30, "third")
    slow, failed = recorded(file).routes
    assert (slow.method, slow.route, slow.status, slow.total, slow.duration_us) == ("GET", "/bags", 200, 2, 15_000)
    assert (failed.status, failed.total) == (503, 1)


def test_the_exemplar_of_a_bucket_is_replaced_when_it_is_a_second_old(file, recorder):
    def shown():
        return [each.request_id for each in recorded(file).routes[0].exemplars if each]

    for request_id, at_s in (("first", 1.0), ("too-soon", 1.9)):
        recorder.record("GET", "/bags", 200, 7_000, request_id, ended_ns=int(at_s * 1e9))
        assert shown() == ["first"]
    recorder.record("GET", "/bags", 200, 7_000, [("Date", ""), ("X-Request-ID", "next")], ended_ns=2 * 10**9)
    assert shown() == ["next"]


def test_a_request_that_is_being_served_counts_as_active_and_is_written_at_its_end(file, recorder):
    recorder.begin()
    recorder.record_statement(1_000_000, "SELECT 1")
    recorder.record("GET", "/", 200, 10, "")
    assert (recorded(file).active, recorded(file).routes) == (1, ())
    recorder.end()
    worker = recorded(file)
    assert (worker.active, worker.routes[0].total, sum(worker.statement_buckets)) == (0, 1, 1)


def test_a_long_request_shows_its_statements_before_its_end(file, recorder):
    recorder.begin()
    for _ in range(MAX_QUEUED_STATEMENTS + 1):
        recorder.record_statement(1_000, "SELECT 1")
    assert sum(recorded(file).statement_buckets) == MAX_QUEUED_STATEMENTS + 1
    recorder.record_statement(600_000_000, "SELECT pg_sleep(1)")
    assert len(recorded(file).slow_statements) == 1


def test_a_statement_within_a_change_waits_for_no_lock(file, recorder):
    """A destructor may give a connection back, and execute a statement, wherever Python collects garbage."""

    class Headers(list):
        def __iter__(self):
            recorder.record_statement(600_000_000, "SELECT 1")
            return super().__iter__()

    recorder.record("GET", "/", 200, 10, Headers())
    worker = recorded(file)
    assert worker.routes[0].total == 1
    assert len(worker.slow_statements) == sum(worker.statement_buckets) > 0


def test_requests_beyond_the_rows_are_counted_together(file, recorder):
    for number in range(2 * MAX_ROUTES):
        recorder.record("GET", f"/{number}", 200, 10, "")
    routes = recorded(file).routes
    assert len(routes) == MAX_ROUTES
    assert (routes[-1].method, routes[-1].route, routes[-1].total) == (OTHER_METHOD, OTHER_ROUTE, MAX_ROUTES + 1)
    assert sum(route.total for route in routes) == 2 * MAX_ROUTES


def test_methods_that_clients_make_up_share_a_row(file, recorder):
    for number in range(100):
        recorder.record(f"M{number}", "", 405, 10, "")
    (route,) = recorded(file).routes
    assert (route.method, route.total) == (OTHER_METHOD, 100)


def test_the_slowest_requests_of_a_minute_are_kept_in_whatever_order_they_come(file, recorder):
    durations = [*range(1000, 1100), *range(3000, 2900, -1)]
    for duration in durations:
        recorder.record("GET", "/", 200, duration, f"id-{duration}")
    slow = recorded(file).slow_requests
    assert sorted(request.duration_us for request in slow) == sorted(durations)[-MAX_SLOW_REQUESTS:]
    assert {request.request_id for request in slow} == {f"id-{request.duration_us}" for request in slow}
    assert slow[0].db_us is None


def test_a_minute_later_the_slowest_are_collected_anew_beside_the_old_ones(file, recorder):
    now_ns = time.monotonic_ns()
    recorder.record("GET", "/", 200, 5_000, "old", ended_ns=now_ns)
    recorder.record("GET", "/", 200, 10, "new", ended_ns=now_ns + 61 * 10**9)
    assert {request.request_id for request in recorded(file).slow_requests} == {"old", "new"}
    recorder.record("GET", "/", 200, 10, "newest", ended_ns=now_ns + 261 * 10**9)
    assert {request.request_id for request in recorded(file).slow_requests} == {"newest"}


def test_slow_statements_are_kept_in_a_ring_without_values(file, recorder):
    recorder.record_statement(1_000_000, "SELECT 1")
    for number in range(MAX_SLOW_STATEMENTS + 3):
        recorder.record_statement(600_000_000 + 1000 * number, "SELECT * FROM bag WHERE name = 'secret' AND id = 42")
    worker = recorded(file)
    assert len(worker.slow_statements) == MAX_SLOW_STATEMENTS
    assert worker.slow_statements[-1].duration_us == 600_000 + MAX_SLOW_STATEMENTS + 2
    assert {each.text for each in worker.slow_statements} == {"SELECT * FROM bag WHERE name = ? AND id = ?"}
    assert worker.slow_statements[0].request_id == "the-request"
    assert worker.statement_buckets[statement_bucket(1_000)] == 1


def test_texts_that_are_too_long_are_cut_and_nothing_beside_them_is_written(file, recorder):
    recorder.record("GET", "/" + "ä" * 500, 200, 10, "x" * 500)
    recorder.record_statement(600_000_000, "SELECT " + "ä" * 5000)
    worker = recorded(file)
    assert worker.routes[0].total == 1
    assert worker.routes[0].exemplars[0].request_id == "x" * 64
    assert worker.slow_statements[0].text.startswith("SELECT ä")


def test_threads_lose_no_count(file, recorder):
    def record():
        for _ in range(2000):
            recorder.begin()
            recorder.record_statement(10_000, "SELECT 1")
            recorder.record("GET", "/", 200, 10, "id")
            recorder.end()

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval_s)
    worker = recorded(file)
    assert (worker.active, worker.routes[0].total, sum(worker.statement_buckets)) == (0, 8000, 8000)
    assert (worker.routes[0].duration_us, worker.statement_us) == (80_000, 80_000)


def test_greenlets_of_gevent_lose_no_count():
    """In a process of its own, as gevent replaces the locks of all threads."""
    subprocess.run([sys.executable, "-c", GREENLETS], check=True, timeout=60)


GREENLETS = """
from gevent import monkey; monkey.patch_all()
import gevent
from instrumentation.monitor_file import MonitorFile
from instrumentation.request_recorder import RequestRecorder

file = MonitorFile.private()
recorder = RequestRecorder(file.section(0))

def serve():
    for _ in range(200):
        recorder.begin()
        gevent.sleep(0)
        recorder.record_statement(10_000, "SELECT 1")
        recorder.record("GET", "/", 200, 10, "id")
        gevent.sleep(0)
        recorder.end()

gevent.joinall([gevent.spawn(serve) for _ in range(10)], raise_error=True)
(worker,) = file.read().values()
found = (worker.active, worker.routes[0].total, sum(worker.statement_buckets))
assert found == (0, 2000, 2000), found
"""


@pytest.mark.parametrize("content", [b"", b"nonsense\n" * 20, b"\0" * 4096])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(MonitorFileError, match="is not a monitor file"):
        MonitorFile.open(tmp_path / "file")


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT  1,\n 2.5e3", "SELECT ?, ?"),
        ("WHERE a = 'it''s' AND b = 'x'", "WHERE a = ? AND b = ?"),
        ("WHERE a = 'never ends", "WHERE a = ?"),
        ("WHERE a = %(name)s AND b = $1 AND t1.c2 = :p3", "WHERE a = %(name)s AND b = $1 AND t1.c2 = :p3"),
        ('SELECT "user"."it\'s" FROM t', 'SELECT "user"."it\'s" FROM t'),
        ("SELECT /* user 7's */ 1 -- secret", "SELECT ?"),
        ("SELECT $tag$secret$tag$, 2", "SELECT ?"),
        (r"WHERE a = E'x\' OR secret' AND b = 'c'", "WHERE a = E?"),
        (r"WHERE a = 'x\' AND b = 'secret'", "WHERE a = ?"),
    ],
)
def test_a_statement_is_shown_without_values(statement, shown):
    assert without_values(statement) == shown

"""What a worker records of its requests and statements, and what the monitor reads of it."""

import threading
import time

import pytest

from instrumentation import request_recorder
from instrumentation.monitor_file import (
    MAX_ROUTES,
    MAX_SLOW_REQUESTS,
    MAX_SLOW_STATEMENTS,
    MonitorFile,
    MonitorFileError,
    statement_bucket,
)
from instrumentation.request_recorder import OTHER_METHOD, OTHER_ROUTE, RequestRecorder
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
    recorder.record("GET", "/bags", 200, 8_000, "second")
    recorder.record("GET", "/bags", 503, 30, "third")
    slow, failed = recorded(file).routes
    assert (slow.method, slow.route, slow.status, slow.total, slow.duration_us) == ("GET", "/bags", 200, 2, 15_000)
    assert (failed.status, failed.total) == (503, 1)
    assert [each.request_id for each in slow.exemplars if each] == ["second"]


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


def test_a_minute_later_the_slowest_are_collected_anew_beside_the_old_ones(file, recorder, monkeypatch):
    recorder.record("GET", "/", 200, 5_000, "old")
    later_ns = time.time_ns() + 61 * 10**9
    monkeypatch.setattr(request_recorder.time, "time_ns", lambda: later_ns)
    recorder.record("GET", "/", 200, 10, "new")
    assert {request.request_id for request in recorded(file).slow_requests} == {"old", "new"}
    monkeypatch.setattr(request_recorder.time, "time_ns", lambda: later_ns + 200 * 10**9)
    recorder.record("GET", "/", 200, 10, "newest")
    assert {request.request_id for request in recorded(file).slow_requests} == {"newest"}


def test_slow_statements_are_kept_in_a_ring_without_values(file, recorder):
    recorder.record_statement(1_000, "SELECT 1")
    for number in range(MAX_SLOW_STATEMENTS + 3):
        recorder.record_statement(600_000 + number, "SELECT * FROM bag WHERE name = 'secret' AND id = 42")
    worker = recorded(file)
    assert len(worker.slow_statements) == MAX_SLOW_STATEMENTS
    assert worker.slow_statements[-1].duration_us == 600_000 + MAX_SLOW_STATEMENTS + 2
    assert {each.text for each in worker.slow_statements} == {"SELECT * FROM bag WHERE name = ? AND id = ?"}
    assert worker.slow_statements[0].request_id == "the-request"
    assert worker.statement_buckets[statement_bucket(1_000)] == 1


def test_texts_that_are_too_long_are_cut_and_nothing_beside_them_is_written(file, recorder):
    recorder.record("GET", "/" + "ä" * 500, 200, 10, "x" * 500)
    recorder.record_statement(600_000, "SELECT " + "ä" * 5000)
    worker = recorded(file)
    assert worker.routes[0].total == 1
    assert worker.routes[0].exemplars[0].request_id == "x" * 64
    assert worker.slow_statements[0].text.startswith("SELECT ä")


def test_threads_lose_no_count(file, recorder):
    def record():
        for _ in range(2000):
            recorder.begin()
            recorder.record("GET", "/", 200, 10, "id")
            recorder.record_statement(10, "SELECT 1")
            recorder.end()

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    worker = recorded(file)
    assert (worker.active, worker.routes[0].total, sum(worker.statement_buckets)) == (0, 8000, 8000)


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

"""What the monitor calls a problem, and since when: from readings whose content is known."""

import time

import pytest

from instrumentation.monitor.problems import EVENT_HOLD_S, KEPT_S, STATE_HOLD_S, Observation, ProblemLog, observe
from instrumentation.monitor.readings import PoolPeak, Reading
from instrumentation.monitor.session_count import SessionCount
from instrumentation.monitor.time_series import TimeSeries
from instrumentation.monitor_file import MonitorFile
from instrumentation.request_recorder import RequestRecorder
from instrumentation.worker_metrics import WorkerMetrics

POOL = Observation("pool", "warning", "9 of 10 connections of the pool in use")
EMPTY = Reading(0.0, {}, {})


class Worker:
    """A worker with a slot and a recorder, whose readings the test takes."""

    def __init__(self):
        self._metrics, self._file = WorkerMetrics.private(("store_failures", "hits")), MonitorFile.private()
        self.start()

    def start(self):
        self.slot, self.recorder = self._metrics.slot(0), RequestRecorder(self._file.section(0))
        self.slot.reset()

    def reading(self, at_s=0.0):
        return Reading(at_s, self._metrics.read(), self._file.read())


@pytest.fixture
def worker():
    return Worker()


def observed(before, now, peak=None, sessions=None):
    return {each.key: each for each in observe(before, now, peak or PoolPeak(), sessions)}


def test_nothing_is_wrong_with_usual_requests(worker):
    before = worker.reading()
    worker.recorder.record("GET", "/bags", 200, 9_000, "")
    worker.recorder.record("GET", "/bags", 404, 9_000, "")
    worker.slot.count("hits")
    assert observed(before, worker.reading()) == {}


def test_errors_and_failures_are_counted_by_what_failed(worker):
    before = worker.reading()
    for _ in range(3):
        worker.recorder.record("GET", "/bags", "503 SERVICE UNAVAILABLE", 9_000, "")
    worker.recorder.record_statement(700_000_000, "SELECT 1")
    worker.slot.count("timeouts", 2)
    worker.slot.count("store_failures", 4)
    found = observed(before, worker.reading())
    assert {each.text: each.events for each in found.values()} == {
        "status 503 of GET /bags": 3,
        "no connection of the pool in time": 2,
        "store failures": 4,
        "statement over 500 ms; the last took 0.7 s": 1,
    }
    assert observed(worker.reading(), worker.reading()) == {}


def test_states_are_the_pool_its_waiters_sessions_and_workers(worker):
    worker.slot.count("limit", 10)
    sessions = SessionCount("valkey", 0.0, None, reason="refused")
    found = observed(worker.reading(), worker.reading(), PoolPeak(used=9, pending=1), sessions)
    assert {key: each.level for key, each in found.items()} == {
        "pool": "warning", "waiters": "warning", "sessions": "warning",
    }  # fmt: skip
    assert "1 request waits" in found["waiters"].text
    assert observed(worker.reading(), EMPTY)["workers"].level == "critical"


def test_a_state_is_a_problem_from_its_third_second_on_and_ends_when_it_is_gone():
    log = ProblemLog()
    for now_s in (1.0, 2.0):
        log.take([POOL], now_s)
        assert log.shown(now_s) == []
    log.take([POOL], 3.0)
    (shown,) = log.shown(3.0)
    assert (shown["since_s"], shown["is_open"], shown["text"]) == (1.0, True, POOL.text)
    log.take([], 3.0 + STATE_HOLD_S)
    (shown,) = log.shown(3.0 + STATE_HOLD_S)
    assert (shown["since_s"], shown["last_s"], shown["is_open"]) == (1.0, 3.0, False)
    log.take([], 4.0 + KEPT_S)
    assert log.shown(4.0 + KEPT_S) == []


def test_a_state_that_does_not_last_is_no_problem():
    log = ProblemLog()
    for second in range(20):
        log.take([POOL] if second % 3 else [], float(second))
        assert log.shown(float(second)) == []


def test_events_add_up_until_there_were_none_for_a_minute():
    log = ProblemLog()
    log.take([Observation("a", "critical", "status 500 of GET /", 2)], 1.0)
    log.take([Observation("a", "critical", "status 500 of GET /", 3)], 31.0)
    (shown,) = log.shown(31.0)
    assert (shown["text"], shown["since_s"], shown["is_open"]) == ("5 × status 500 of GET /", 1.0, True)
    log.take([], 31.0 + EVENT_HOLD_S)
    log.take([Observation("a", "critical", "status 500 of GET /", 1)], 100.0)
    assert [each["text"][0] for each in log.shown(100.0)] == ["1", "5"]


def test_a_worker_in_the_place_of_another_is_named_once(worker):
    log = ProblemLog()
    log.watch(EMPTY, worker.reading(), PoolPeak(), None)
    assert log.shown(time.time()) == []
    worker.start()
    log.watch(EMPTY, worker.reading(), PoolPeak(), None)
    log.watch(EMPTY, worker.reading(), PoolPeak(), None)
    assert [each["text"] for each in log.shown(time.time())] == ["1 × worker 0 was replaced"]


def test_the_time_series_have_rates_and_the_peak_of_each_step(worker):
    series = TimeSeries()
    series.take(worker.reading(0.0), PoolPeak())
    for number in range(10):
        worker.recorder.record("GET", "/", 500 if number else 200, 7_000, "")
    series.take(worker.reading(2.0), PoolPeak(used=7))
    series.take(worker.reading(5.0), PoolPeak(used=1))
    series.take(worker.reading(10.0), PoolPeak(used=2))
    shown = series.shown()
    assert shown["requests_per_s"] == [2.0, 0.0]
    assert shown["errors_per_s"] == [1.8, 0.0]
    assert shown["pool_used"] == [7, 2]
    assert 5 < shown["p95_ms"][0] <= 10
    assert shown["p95_ms"][1] is None

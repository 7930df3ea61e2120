"""What the page shows, from readings whose content is known."""

import pytest

from instrumentation.monitor.quantile import quantile_ms
from instrumentation.monitor.readings import PoolPeak, Reading
from instrumentation.monitor.snapshot import level, snapshot
from instrumentation.monitor_file import REQUEST_BUCKETS, MonitorFile
from instrumentation.request_recorder import RequestRecorder
from instrumentation.worker_metrics import WorkerMetrics


@pytest.fixture
def metrics():
    created = WorkerMetrics.private(("cache_search_hit", "cache_search_miss", "evictions"))
    created.slot(0).reset()
    return created


@pytest.fixture
def file():
    return MonitorFile.private()


def reading(at_s, metrics, file):
    return Reading(at_s, metrics.read(), file.read())


@pytest.mark.parametrize(
    ("used", "limit", "expected"),
    [(0, 0, "ok"), (69, 100, "ok"), (70, 100, "notice"), (84, 100, "notice"), (85, 100, "warning"),
     (95, 100, "critical"), (3, 3, "critical")],
)  # fmt: skip
def test_the_level_of_a_pool_changes_at_70_85_and_95_per_cent(used, limit, expected):
    assert level(used, limit) == expected


def test_a_quantile_is_interpolated_in_its_bucket():
    buckets = [0] * REQUEST_BUCKETS
    buckets[1] = 10  # from 5 to 10 ms
    assert quantile_ms(buckets, 0.5) == 7.5
    buckets[-1] = 1000
    assert quantile_ms(buckets, 0.95) == 10_000


def test_only_the_requests_since_the_oldest_reading_are_shown(metrics, file):
    recorder = RequestRecorder(file.section(0))
    recorder.record("GET", "/bags", 200, 7_000, "before")
    oldest = reading(0.0, metrics, file)
    recorder.record("GET", "/bags", 200, 9_000, "after")
    recorder.record("GET", "/bags", 500, 9_000, "failed")
    now = reading(2.0, metrics, file)
    shown = snapshot(oldest, oldest, now, PoolPeak())
    (route,) = shown["routes"]
    assert (route["count"], route["server_errors"], route["mean_ms"]) == (2, 1, 9.0)
    assert shown["workers"][0]["requests_per_s"] == 1.0


def test_a_worker_that_was_started_since_counts_from_zero(metrics, file):
    RequestRecorder(file.section(0)).record("GET", "/bags", 200, 7_000, "old")
    metrics.slot(0).count("cache_search_hit", 100)
    oldest = reading(0.0, metrics, file)
    metrics.slot(0).reset()
    metrics.slot(0).count("cache_search_hit", 3)
    metrics.slot(0).count("cache_search_miss", 1)
    RequestRecorder(file.section(0)).record("GET", "/bags", 200, 7_000, "new")
    shown = snapshot(oldest, oldest, reading(1.0, metrics, file), PoolPeak())
    assert [route["count"] for route in shown["routes"]] == [1]
    assert shown["caches"] == [{"name": "search", "hit": 3, "miss": 1, "ratio": 0.75}]


def test_an_application_without_workers_is_shown_as_one(file):
    empty = Reading(0.0, {}, {})
    shown = snapshot(empty, empty, empty, PoolPeak())
    assert (shown["workers"], shown["routes"], shown["pool"]["limit"]) == ([], [], 0)


def test_the_counters_of_the_application_are_shown_without_those_of_its_caches(metrics, file):
    metrics.slot(0).count("evictions", 2)
    now = reading(1.0, metrics, file)
    assert snapshot(now, now, now, PoolPeak())["counters"] == {"evictions": 2}

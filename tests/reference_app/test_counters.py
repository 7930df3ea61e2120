"""The application's counters: their places in the metrics file, and their samples at `/metrics`."""

from prometheus_client import CollectorRegistry, generate_latest

from instrumentation.prometheus_exporter import FamiliesCollector
from instrumentation.worker_metrics import WorkerMetrics
from reference_app.counters import COUNTERS, metric_families

EXPECTED = """\
# HELP tracetrack_cache_requests_total Requests to the cache by outcome.
# TYPE tracetrack_cache_requests_total counter
tracetrack_cache_requests_total{endpoint="dashboard",outcome="hit",worker="worker-0"} 1.0
tracetrack_cache_requests_total{endpoint="dashboard",outcome="miss",worker="worker-0"} 2.0
tracetrack_cache_requests_total{endpoint="dashboard",outcome="stale",worker="worker-0"} 3.0
tracetrack_cache_requests_total{endpoint="search",outcome="hit",worker="worker-0"} 4.0
tracetrack_cache_requests_total{endpoint="search",outcome="miss",worker="worker-0"} 5.0
tracetrack_cache_requests_total{endpoint="search",outcome="stale",worker="worker-0"} 6.0
# HELP tracetrack_session_evictions_total Living sessions that were removed for want of room.
# TYPE tracetrack_session_evictions_total counter
tracetrack_session_evictions_total{worker="worker-0"} 7.0
# HELP tracetrack_store_failures_total Uses of the shared store that failed.
# TYPE tracetrack_store_failures_total counter
tracetrack_store_failures_total{worker="worker-0"} 8.0
# HELP tracetrack_refused_requests_total Requests that got 503 at once.
# TYPE tracetrack_refused_requests_total counter
tracetrack_refused_requests_total{class="login",worker="worker-0"} 10.0
tracetrack_refused_requests_total{class="other",worker="worker-0"} 9.0
"""


def test_every_counter_is_exported_under_its_published_name():
    metrics = WorkerMetrics.private(COUNTERS)
    slot = metrics.slot(0)
    slot.reset()
    for value, name in enumerate(COUNTERS, start=1):
        slot.count(name, value)
    registry = CollectorRegistry()
    registry.register(FamiliesCollector(metric_families, metrics.read()))
    assert generate_latest(registry).decode() == EXPECTED

"""`GET /metrics`: what all workers count, for Prometheus; their pools under OpenTelemetry's names."""

from flask import Blueprint, Response, current_app
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from .worker_metrics import CACHE_OUTCOMES, CACHED_ENDPOINTS

blueprint = Blueprint("metrics", __name__)

PREFIX = "db_client_connection_"
POOL, STATE = f"{PREFIX}pool_name", f"{PREFIX}state"
SUMMARIES = {
    "wait_time": ("acquires", "wait_ns", "Time that callers waited for another to give a connection back."),
    "use_time": ("uses", "use_ns", "Time between taking a connection and giving it back."),
    "create_time": ("creates", "create_ns", "Time it took to open a connection."),
    "ping_time": ("pings", "ping_ns", "Time it took to ask a pooled connection whether it lives."),
}
COUNTERS = {
    "timeouts": "Callers that gave up waiting.",
    "create_failures": "Connections that could not be opened.",
    "ping_failures": "Pooled connections that were found dead.",
    "invalidations": "Connections that were thrown away after an error.",
    "recycles": "Connections that were replaced for their age.",
    "long_holds": "Connections that were held for over 5 seconds.",
}


@blueprint.get("/metrics")
def metrics():
    registry = CollectorRegistry()
    readings = current_app.extensions["readings"].read()
    registry.register(PoolMetrics(readings))
    registry.register(RequestMetrics(readings))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class PoolMetrics:
    """A Prometheus collector over the readings of the workers (see `readings`); the pool's name is the worker's."""

    def __init__(self, readings: dict[int, dict[str, int]]):
        self._readings = readings

    def collect(self):
        yield self._count()
        yield self._gauge("max", "Connections that the pool may open.", "limit")
        yield self._gauge("idle_max", "Connections that the pool keeps.", "size")
        yield self._gauge("pending_requests", "Callers that have no connection yet.", "pending")
        for name, (count, sum_ns, text) in SUMMARIES.items():
            family = SummaryMetricFamily(f"{PREFIX}{name}_seconds", text, labels=[POOL])
            for worker, reading in self._readings.items():
                family.add_metric([_name(worker)], reading[count], reading[sum_ns] / 1e9)
            yield family
        for name, text in COUNTERS.items():
            family = CounterMetricFamily(f"{PREFIX}{name}", text, labels=[POOL])
            for worker, reading in self._readings.items():
                family.add_metric([_name(worker)], reading[name])
            yield family

    def _count(self):
        family = GaugeMetricFamily(f"{PREFIX}count", "Connections by state.", labels=[POOL, STATE])
        for worker, reading in self._readings.items():
            family.add_metric([_name(worker), "used"], reading["checked_out"])
            family.add_metric([_name(worker), "idle"], reading["open"] - reading["checked_out"])
        return family

    def _gauge(self, name, text, field):
        family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=[POOL])
        for worker, reading in self._readings.items():
            family.add_metric([_name(worker)], reading[field])
        return family


class RequestMetrics:
    """A Prometheus collector over what the workers count of their caches, sessions and store."""

    def __init__(self, readings: dict[int, dict[str, int]]):
        self._readings = readings

    def collect(self):
        yield self._caches()
        yield self._counter("session_evictions", "Living sessions that were removed for want of room.")
        yield self._counter("store_failures", "Uses of the shared store that failed.")

    def _caches(self):
        labels = ["worker", "endpoint", "outcome"]
        family = CounterMetricFamily("tracetrack_cache_requests", "Requests to the cache by outcome.", labels=labels)
        for worker, reading in self._readings.items():
            for endpoint in CACHED_ENDPOINTS:
                for outcome in CACHE_OUTCOMES:
                    count = reading[f"cache_{endpoint}_{outcome}"]
                    family.add_metric([_name(worker), endpoint, outcome], count)
        return family

    def _counter(self, name, text):
        family = CounterMetricFamily(f"tracetrack_{name}", text, labels=["worker"])
        for worker, reading in self._readings.items():
            family.add_metric([_name(worker)], reading[name])
        return family


def _name(worker):
    return f"worker-{worker}"

"""`GET /metrics` for Prometheus: all workers' pools under OpenTelemetry's names, and the application's counters."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from flask import Blueprint, Response, current_app
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from .worker_metrics import WorkerValues

Workers = Mapping[int, WorkerValues]
Families = Callable[[Workers], Iterable[Metric]]

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


def create_blueprint(application_families: Families) -> Blueprint:
    """The blueprint with `/metrics`.

    `application_families` makes the application's own metric families from the values of its workers; they follow
    those of the pools.
    """
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        workers = current_app.extensions["worker_metrics"].read()
        registry = CollectorRegistry()
        for families in (pool_families, application_families):
            registry.register(FamiliesCollector(families, workers))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint


class FamiliesCollector(Collector):
    """A Prometheus collector of the families that a function makes from the values of the workers."""

    def __init__(self, families: Families, workers: Workers):
        self._families = families
        self._workers = workers

    def collect(self) -> Iterable[Metric]:
        return self._families(self._workers)


def worker_label(worker: int) -> str:
    """The label value of a worker; also the name of its pool."""
    return f"worker-{worker}"


def pool_families(workers: Workers) -> Iterator[Metric]:
    """The metric families of the pools; the pool's name is the worker's."""
    yield _states(workers)
    yield _gauge("max", "Connections that the pool may open.", "limit", workers)
    yield _gauge("idle_max", "Connections that the pool keeps.", "size", workers)
    yield _gauge("pending_requests", "Callers that have no connection yet.", "pending", workers)
    yield from _summaries(workers)
    yield from _counters(workers)


def _states(workers: Workers) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}count", "Connections by state.", labels=[POOL, STATE])
    for worker, values in workers.items():
        family.add_metric([worker_label(worker), "used"], values["checked_out"])
        family.add_metric([worker_label(worker), "idle"], values["open"] - values["checked_out"])
    return family


def _gauge(name: str, text: str, field: str, workers: Workers) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}{name}", text, labels=[POOL])
    for worker, values in workers.items():
        family.add_metric([worker_label(worker)], values[field])
    return family


def _summaries(workers: Workers) -> Iterator[Metric]:
    for name, (count, sum_ns, text) in SUMMARIES.items():
        family = SummaryMetricFamily(f"{PREFIX}{name}_seconds", text, labels=[POOL])
        for worker, values in workers.items():
            family.add_metric([worker_label(worker)], values[count], values[sum_ns] / 1e9)
        yield family


def _counters(workers: Workers) -> Iterator[Metric]:
    for name, text in COUNTERS.items():
        family = CounterMetricFamily(f"{PREFIX}{name}", text, labels=[POOL])
        for worker, values in workers.items():
            family.add_metric([worker_label(worker)], values[name])
        yield family

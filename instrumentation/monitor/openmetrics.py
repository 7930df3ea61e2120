"""`/metrics` of the monitor: pools, requests and statements under OpenTelemetry's names in Prometheus' spelling.

Each bucket of the durations of requests has an exemplar, the id of a recent request in it, which the log has too.
"""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder

from .. import monitor_file
from ..monitor_file import REQUEST_BOUNDS_S, STATEMENT_BOUNDS_S, WorkerRequests
from ..prometheus_exporter import FamiliesCollector, Workers, pool_families, worker_label
from ..worker_metrics import FIXED_FIELDS
from .readings import Reading
from .session_count import SessionCount
from .snapshot import CACHE_COUNTER

WORKER = "worker"
Requests = dict[int, WorkerRequests]


def render(reading: Reading, sessions: SessionCount | None, prefix: str, accept: str) -> tuple[bytes, str]:
    """The text of all metrics and its content type: OpenMetrics for a client that accepts it, else Prometheus' own.

    `prefix` begins the names of the application's own counters.
    """
    registry = CollectorRegistry()
    registry.register(FamiliesCollector(pool_families, reading.counters))
    registry.register(FamiliesCollector(lambda workers: counter_families(workers, prefix), reading.counters))
    registry.register(RequestsCollector(reading.requests, sessions))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class RequestsCollector(FamiliesCollector):
    """A Prometheus collector of what the workers recorded of requests and statements, and of stored sessions."""

    def __init__(self, requests: Requests, sessions: SessionCount | None):
        self._requests = requests
        self._sessions = sessions

    def collect(self) -> Iterable[Metric]:
        yield _request_durations(self._requests)
        yield _statement_durations(self._requests)
        yield _gauge("http_server_active_requests", "Requests that are being served.", self._requests, "active")
        yield _start_times(self._requests)
        if self._sessions and self._sessions.number is not None:
            yield _sessions(self._sessions)


def counter_families(workers: Workers, prefix: str) -> Iterator[Metric]:
    """The application's own counters; `cache_<endpoint>_<outcome>` are one family with labels."""
    names = [name for name in next(iter(workers.values()), {}) if name not in FIXED_FIELDS]
    cached = {name: match for name in names if (match := CACHE_COUNTER.fullmatch(name))}
    if cached:
        text, labels = "Requests to the cache by outcome.", [WORKER, "endpoint", "outcome"]
        family = CounterMetricFamily(f"{prefix}cache_requests", text, labels=labels)
        for worker, values in workers.items():
            for name, match in cached.items():
                family.add_metric([worker_label(worker), match[1], match[2]], values[name])
        yield family
    for name in names:
        if name not in cached:
            family = CounterMetricFamily(f"{prefix}{name}", f"The application's counter {name}.", labels=[WORKER])
            for worker, values in workers.items():
                family.add_metric([worker_label(worker)], values[name])
            yield family


def _request_durations(requests: Requests) -> Metric:
    text = "Time in the application until the response began."
    labels = ["http_request_method", "http_route", "http_response_status_code", WORKER]
    family = HistogramMetricFamily("http_server_request_duration_seconds", text, labels=labels)
    for worker, recorded in requests.items():
        for route in recorded.routes:
            buckets = [
                (bound, count, exemplar and _exemplar(exemplar))
                for (bound, count), exemplar in zip(
                    cumulative(REQUEST_BOUNDS_S, route.buckets), route.exemplars, strict=True
                )
            ]
            values = [route.method, route.route, str(route.status), worker_label(worker)]
            family.add_metric(values, buckets, route.duration_us / 1e6)  # type: ignore[arg-type]
    return family


def _exemplar(exemplar: monitor_file.Exemplar) -> Exemplar:
    return Exemplar({"request_id": exemplar.request_id}, exemplar.duration_us / 1e6, exemplar.at_us / 1e6)


def _statement_durations(requests: Requests) -> Metric:
    text = "Time of a statement until the database answered."
    family = HistogramMetricFamily("db_client_operation_duration_seconds", text, labels=[WORKER])
    for worker, recorded in requests.items():
        buckets = cumulative(STATEMENT_BOUNDS_S, recorded.statement_buckets)
        family.add_metric([worker_label(worker)], buckets, recorded.statement_us / 1e6)
    return family


def cumulative(bounds_s: Sequence[float], buckets: Sequence[int]) -> list[tuple[str, float]]:
    """Prometheus' buckets, each of which contains those below it."""
    names = [*(str(bound) for bound in bounds_s), "+Inf"]
    return [(name, sum(buckets[: number + 1])) for number, name in enumerate(names)]


def _gauge(name: str, text: str, requests: Requests, field: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[WORKER])
    for worker, recorded in requests.items():
        family.add_metric([worker_label(worker)], getattr(recorded, field))
    return family


def _start_times(requests: Requests) -> Metric:
    family = GaugeMetricFamily("process_start_time_seconds", "When the worker started, since 1970.", labels=[WORKER])
    for worker, recorded in requests.items():
        family.add_metric([worker_label(worker)], recorded.started_us / 1e6)
    return family


def _sessions(sessions: SessionCount) -> Metric:
    """The count of sessions; one that failed is left out, so that no old one is taken for it."""
    text = "Sessions that are stored, counted some seconds ago; estimated in a large store."
    family = GaugeMetricFamily("session_count", text, labels=["session_store"])
    family.add_metric([sessions.store], sessions.number or 0)
    return family

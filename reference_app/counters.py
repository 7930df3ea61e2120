"""The counters of TraceTrack beside those of the connection pools: their names, and how `/metrics` shows them.

A counter that is added here gets a place in the workers' metrics file and in the record of a run; `metric_families`
decides how Prometheus sees it.
"""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from instrumentation.prometheus_exporter import Workers, worker_label

CACHED_ENDPOINTS = ("dashboard", "search")
CACHE_OUTCOMES = ("hit", "miss", "stale")


def cache_counter(endpoint: str, outcome: str) -> str:
    """The name of the counter of an endpoint's requests to the cache that had this outcome."""
    return f"cache_{endpoint}_{outcome}"


COUNTERS = (
    *(cache_counter(endpoint, outcome) for endpoint in CACHED_ENDPOINTS for outcome in CACHE_OUTCOMES),
    "session_evictions",
    "store_failures",
    "refused_requests",
    "refused_logins",
)
RECORDED_COUNTERS = ("requests", *COUNTERS)  # in the record of a run; instrumentation counts the requests


def metric_families(workers: Workers) -> Iterator[Metric]:
    """The counters as Prometheus families, from the values of the workers by number."""
    yield _cache_requests(workers)
    yield _family("session_evictions", "Living sessions that were removed for want of room.", workers)
    yield _family("store_failures", "Uses of the shared store that failed.", workers)
    yield _refusals(workers)


def _cache_requests(workers: Workers) -> Metric:
    labels = ["worker", "endpoint", "outcome"]
    family = CounterMetricFamily("tracetrack_cache_requests", "Requests to the cache by outcome.", labels=labels)
    for worker, values in workers.items():
        for endpoint in CACHED_ENDPOINTS:
            for outcome in CACHE_OUTCOMES:
                count = values[cache_counter(endpoint, outcome)]
                family.add_metric([worker_label(worker), endpoint, outcome], count)
    return family


def _refusals(workers: Workers) -> Metric:
    labels = ["worker", "class"]
    family = CounterMetricFamily("tracetrack_refused_requests", "Requests that got 503 at once.", labels=labels)
    for worker, values in workers.items():
        family.add_metric([worker_label(worker), "login"], values["refused_logins"])
        family.add_metric([worker_label(worker), "other"], values["refused_requests"])
    return family


def _family(name: str, text: str, workers: Workers) -> Metric:
    family = CounterMetricFamily(f"tracetrack_{name}", text, labels=["worker"])
    for worker, values in workers.items():
        family.add_metric([worker_label(worker)], values[name])
    return family

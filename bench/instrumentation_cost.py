"""CPU time that measuring a request costs the application: `Server-Timing`, and the timed pool with its counters.

Not all of it can be switched off: the counters of the caches and the counting of round trips run in both applications,
so the ratio leaves them out. The time of one count of a counter is printed beside it.
"""

import timeit

from instrumentation.worker_metrics import WorkerMetrics
from reference_app.counters import COUNTERS
from workbench.arms import TUNED, WITHOUT
from workbench.endpoints import DASHBOARD

from .cpu_comparison import CpuCost, Workload, compare, print_cost
from .http_client import CheckedRequest
from .served_worker import backing_services

CACHED = {
    "cached read": Workload(
        lambda worker: CheckedRequest.cached(worker, DASHBOARD.path), requests=40, pairs=40, warm_up=10
    ),
    "login (argon2id)": Workload(CheckedRequest.login, requests=5, pairs=10, warm_up=2),
}
UNCACHED = {
    "read of the database": Workload(
        lambda worker: CheckedRequest.get(worker, DASHBOARD.path), requests=20, pairs=40, warm_up=10
    ),
}
MAX_COST = 0.05
COUNTS = 100_000
NOT_SWITCHED_OFF = "not switched off, in both: the counters of the caches and the counting of round trips"


def main() -> None:
    """Print the CPU time a request with and without the instrumentation, and their ratio with its interval."""
    off = {"server_timing": False, "pool_timed": False}
    costs: dict[str, CpuCost] = {}
    for deployment, workloads in ((TUNED, CACHED), (f"{TUNED}{WITHOUT}cache", UNCACHED)):
        # Cached responses stay in the cache, and the same user logs in again and again.
        changes = {"cache_statistics_ttl_s": 3600, "login_throttle": False}
        with backing_services(deployment, workers=1, **changes) as settings:
            costs |= compare(settings, off, workloads)
    print("instrumentation, one worker of tuned:")
    for name, workload in (CACHED | UNCACHED).items():
        print_cost(name, workload, costs[name], MAX_COST)
    print(f"  {NOT_SWITCHED_OFF}")
    print(f"  one count of a counter: {_count_us():.1f} µs; a cached read makes one")


def _count_us() -> float:
    """The shortest mean time of one count."""
    slot = WorkerMetrics.private(COUNTERS).slot(0)
    return min(timeit.repeat(lambda: slot.count("cache_dashboard_hit"), number=COUNTS)) / COUNTS * 1e6

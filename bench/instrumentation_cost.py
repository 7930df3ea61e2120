"""What measuring a request costs it: `Server-Timing`, and the timed pool with its counters.

Not all of it can be switched off: the counters of the caches and the counting of round trips run in both applications,
so the ratio leaves them out. The time of one count of a counter is printed beside it.
"""

import timeit

from instrumentation.worker_metrics import WorkerMetrics
from reference_app.counters import COUNTERS

from .cpu_comparison import Load, compare
from .http_client import Question
from .served_worker import around

STATISTICS = "/api/dashboard/stats"
CACHED = {
    "cached read": Load(lambda worker: Question.cached(worker, STATISTICS), requests=40, pairs=40, warm_up=10),
    "login (argon2id)": Load(Question.login, requests=5, pairs=10, warm_up=2),
}
UNCACHED = {
    "read of the database": Load(lambda worker: Question.get(worker, STATISTICS), requests=20, pairs=40, warm_up=10),
}
HIGHEST_SHARE = 0.05
COUNTS = 100_000
NOT_SWITCHED_OFF = "not switched off, in both: the counters of the caches and the counting of round trips"


def main() -> None:
    """Print CPU a request with and without the instrumentation, and their ratio with its interval."""
    off = {"server_timing": False, "pool_timed": False}
    costs = {}
    for deployment, loads in (("tuned", CACHED), ("tuned-without-cache", UNCACHED)):
        # What is in the cache stays there, and the same user logs in again and again.
        with around(deployment, workers=1, cache_statistics_ttl_s=3600, login_throttle=False) as settings:
            costs |= compare(settings, off, loads)
    print("instrumentation, one worker of tuned:")
    for name, load in (CACHED | UNCACHED).items():
        _print(name, load, costs[name])
    print(f"  {NOT_SWITCHED_OFF}")
    print(f"  one count of a counter: {_count_us():.1f} µs; a cached read makes one")


def _print(name, load, cost):
    off_us, on_us = cost.medians()
    print(f"  {name}, {len(cost.blocks)} blocks of {load.pairs} interleaved pairs of {load.requests} requests:")
    print(f"    CPU a request  off {off_us:.0f} µs, on {on_us:.0f} µs (medians)")
    print(f"    it costs       {cost.ratio().as_change()} (at most {HIGHEST_SHARE:.0%})")


def _count_us():
    slot = WorkerMetrics.private(COUNTERS).slot(0)
    return min(timeit.repeat(lambda: slot.count("cache_dashboard_hit"), number=COUNTS)) / COUNTS * 1e6

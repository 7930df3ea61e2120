"""CPU time that two protections cost a request: the headers for browsers, and the look at the session's account.

One worker of *tuned* has the application as it is, and beside it one without the protection; both answer in turn.
"""

from workbench.arms import TUNED
from workbench.endpoints import DASHBOARD

from .cpu_comparison import CpuCost, Workload, compare
from .http_client import CheckedRequest
from .served_worker import backing_services
from .unprotected_app import REMOVALS

CACHED = Workload(lambda worker: CheckedRequest.cached(worker, DASHBOARD.path), requests=40, pairs=40, warm_up=10)
FOREVER_S = 3600  # cached responses stay in the cache


def main() -> None:
    """Print, for each protection, the CPU time of a cached read with and without it, and their ratio."""
    with backing_services(TUNED, workers=1, cache_statistics_ttl_s=FOREVER_S) as settings:
        for name in REMOVALS:
            _print(name, compare(settings, {"removed": name}, {name: CACHED})[name])


def _print(name: str, cost: CpuCost) -> None:
    without_us, with_us = cost.medians()
    print(f"protection: {name}, one worker of tuned, a cached read, {len(cost.blocks)} blocks:")
    print(f"  CPU a request    without {without_us:.0f} µs, with {with_us:.0f} µs (medians)")
    print(f"  it costs         {cost.ratio().as_change()}")

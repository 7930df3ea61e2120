"""CPU time that the timed pool costs a request, against SQLAlchemy's own pool.

The request is the cheapest that goes to the database (statistics by one row, session in a cookie, no cache), so that
the share is as large as it gets.
"""

from typing import Any

from workbench.arms import BASELINE
from workbench.endpoints import DASHBOARD

from .cpu_comparison import CpuCost, Workload, compare
from .http_client import CheckedRequest
from .served_worker import backing_services

WORKLOAD = Workload(lambda worker: CheckedRequest.get(worker, DASHBOARD.path), requests=10, pairs=40, warm_up=10)
MAX_COST = 0.03
SETTINGS: dict[str, dict[str, Any]] = {
    "without deadlines": {},
    "with deadlines and autocommit": {"deadlines": True, "reads": "autocommit"},
}


def main() -> None:
    """Print the CPU time a request with each pool, and their ratio with its interval."""
    for label, changes in SETTINGS.items():
        with backing_services(BASELINE, statistics_query="summary", sessions="cookie", **changes) as settings:
            cost = compare(settings, {"pool_timed": False}, {label: WORKLOAD})[label]
        _print(label, cost)


def _print(label: str, cost: CpuCost) -> None:
    stock_us, timed_us = cost.medians()
    pairs = f"{WORKLOAD.pairs} interleaved pairs of {WORKLOAD.requests} requests"
    print(f"timed pool {label}, {len(cost.blocks)} blocks of {pairs}:")
    print(f"  CPU a request    stock {stock_us:.0f} µs, timed {timed_us:.0f} µs (medians)")
    print(f"  the timed costs  {cost.ratio().as_change()} (at most {MAX_COST:.0%})")

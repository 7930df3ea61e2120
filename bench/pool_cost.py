"""What the timed pool costs a request, against SQLAlchemy's own pool: CPU time of the worker that answers it.

The request is the cheapest that goes to the database (statistics by one row, session in a cookie, no cache), so that
the share is as large as it gets.
"""

from .cpu_comparison import Load, compare
from .http_client import Question
from .served_worker import around

LOAD = Load(lambda worker: Question.get(worker, "/api/dashboard/stats"), requests=10, pairs=40, warm_up=10)
HIGHEST_SHARE = 0.03
SETTINGS = {
    "without deadlines": {},
    "with deadlines and autocommit": {"deadlines": True, "reads": "autocommit"},
}


def main() -> None:
    """Print CPU a request with each pool, and their ratio with its interval."""
    for label, changed in SETTINGS.items():
        with around("as-measured", statistics_query="summary", sessions="cookie", **changed) as settings:
            cost = compare(settings, {"pool_timed": False}, {label: LOAD})[label]
        _print(label, cost)


def _print(label, cost):
    stock_us, timed_us = cost.medians()
    print(
        f"timed pool {label}, {len(cost.blocks)} blocks of {LOAD.pairs} interleaved pairs of {LOAD.requests} requests:"
    )
    print(f"  CPU a request    stock {stock_us:.0f} µs, timed {timed_us:.0f} µs (medians)")
    print(f"  the timed costs  {cost.ratio().as_change()} (at most {HIGHEST_SHARE:.0%})")

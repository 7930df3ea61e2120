"""What the application and PostgreSQL counted during a load, for the record of its run.

Neither knows the rows of the load generator: `workbench.witness_gates` compares the three.
"""

from collections.abc import Mapping
from typing import Any

from instrumentation.worker_metrics import DURATION_BOUNDS_US, DURATION_FIELDS

from .app_environment import WorkerCounts


def counts_between(before: WorkerCounts, after: WorkerCounts) -> dict[str, int] | None:
    """What the workers counted between two readings; None if a worker was replaced, and its counts lost."""
    if before[0] != after[0]:
        return None
    return {name: after[1][name] - before[1][name] for name in after[1]}


def record(application: Mapping[str, int] | None, statements: int | None) -> dict[str, Any]:
    """The `witnesses` entry of `run.json`; None stands for one that is not available."""
    return {
        "application": None if application is None else _of_application(application),
        "database": None if statements is None else {"statements": statements},
    }


def _of_application(counts: Mapping[str, int]) -> dict[str, Any]:
    """`durations` are pairs of the longest time (µs, None for no bound) and the number of responses."""
    bounds = (*DURATION_BOUNDS_US, None)
    durations = [(bound, counts[name]) for bound, name in zip(bounds, DURATION_FIELDS, strict=True)]
    totals = {name: count for name, count in counts.items() if name not in DURATION_FIELDS}
    return totals | {"durations": durations}

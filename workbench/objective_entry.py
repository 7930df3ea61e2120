"""An objective as a file declares it: the metric of an arm, and the bound that it has to meet.

`analysis.findings.objective_metrics` measures the metrics. To add one, write its function and its row there, and the
fields that it needs in `NEEDS` here.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from . import nearest_name
from .errors import UserError

MAX_BOUND = 1e12
# Metrics, each with the fields that it takes beside the arm.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "speedup": ("against",), "floor_ratio": (), "success_ratio": (), "reads_p95_ms": (), "mean_ms": ("endpoint",),
    "median_ms": ("endpoint",), "p95_ms": ("endpoint",), "p99_ms": ("endpoint",), "longest_of_all_ms": (),
    "database_median_ms": ("endpoint",), "wrong_scans": (), "capacity": (), "refused_over_budget": (),
}  # fmt: skip


class Comparison(NamedTuple):
    """How a value is compared with the bound: the words of the claim, and the test that has to be true."""

    words: str
    is_met: Callable[[float, float], bool]


COMPARISONS = {
    "at_least": Comparison("at least", operator.ge),
    "at_most": Comparison("at most", operator.le),
    "below": Comparison("below", operator.lt),
}
AIM = "aim"
FIELDS = {"id", "metric", "deployment", "scenario", "endpoint", "against", AIM, *COMPARISONS}


class ObjectiveEntry(NamedTuple):
    """An objective; `comparison` is a key of `COMPARISONS`, `endpoint` and `against` are empty where not needed."""

    id: str
    metric: str
    deployment: str
    scenario: str
    endpoint: str
    against: str
    comparison: str
    bound: float
    aim: float | None

    @classmethod
    def parse(cls, entry: Mapping[str, Any], place: str) -> "ObjectiveEntry":
        """The objective of an entry; `place` is where it stands, for messages.

        Raises `UserError` that says what is wrong with it.
        """
        name = entry.get("id")
        if not isinstance(name, str) or not name.strip() or "\n" in name:
            raise UserError(f"{place} has no id")
        place = f"{place} ({name})"
        if unknown := sorted(set(entry) - FIELDS):
            raise UserError(f"{place} has the unknown field {unknown[0]}; known fields: {', '.join(sorted(FIELDS))}")
        metric = _metric(entry, place)
        comparison, bound = _bound(entry, place)
        return cls(
            name, metric, entry["deployment"], entry["scenario"], entry.get("endpoint", ""), entry.get("against", ""),
            comparison, bound, _aim(entry, comparison, bound, place),
        )  # fmt: skip


def _metric(entry: Mapping[str, Any], place: str) -> str:
    """The metric of an entry, which has exactly the fields that this metric needs."""
    name = entry.get("metric")
    if not isinstance(name, str) or name not in NEEDS:
        raise UserError(f"{place} has the unknown metric {name!r}; {nearest_name.hint(str(name), NEEDS)}")
    for field in ("deployment", "scenario", *NEEDS[name]):
        if not isinstance(entry.get(field), str) or not entry[field]:
            raise UserError(f"{place} has no {field}, which the metric {name} needs")
    if surplus := [field for field in ("endpoint", "against") if field in entry and field not in NEEDS[name]]:
        raise UserError(f"{place} has the field {surplus[0]}, which the metric {name} does not use")
    return name


def _bound(entry: Mapping[str, Any], place: str) -> tuple[str, float]:
    """The comparison and the bound of an entry."""
    comparisons = [name for name in COMPARISONS if name in entry]
    if len(comparisons) != 1:
        raise UserError(f"{place} needs one bound of {', '.join(COMPARISONS)}; it has {len(comparisons)}")
    return comparisons[0], _number(entry, comparisons[0], place)


def _aim(entry: Mapping[str, Any], comparison: str, bound: float, place: str) -> float | None:
    """The aim of an entry, which meets its bound; None without one."""
    if AIM not in entry:
        return None
    aim = _number(entry, AIM, place)
    if not COMPARISONS[comparison].is_met(aim, bound):
        raise UserError(f"{place}: the aim {aim:g} does not meet the bound, {COMPARISONS[comparison].words} {bound:g}")
    return aim


def _number(entry: Mapping[str, Any], field: str, place: str) -> float:
    value = entry[field]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_BOUND:
        raise UserError(f"{place}: {field} is not a number between -{MAX_BOUND:g} and {MAX_BOUND:g}")
    return float(value)

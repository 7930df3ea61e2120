"""The plans of the statements of a run, `plans.json`, read and checked against their shape.

A plan is either *executed*: measured after the load with values that the load sent; or *generic*: estimated for any
values of the parameters, so that the plan that ran may have been another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import RecordingError
from .record_files import read_json

FILE = "plans.json"
KEY = "plans"
MIN_SHARE = 0.05  # of the database's time: statements with less are not executed
DEPTH = "depth"  # in a node: how many nodes are above it
MAX_DEPTH = 1_000
# The fields of an entry with their kinds; older records have the first five.
REQUIRED: dict[str, Any] = {"statement": str, "calls": int, "total_ms": int | float, "nodes": list, "failure": str}
KINDS = REQUIRED | {
    "share": float | None, "values": dict, "execution_ms": float | None, "not_executed": str, "executed_in": str,
}  # fmt: skip


@dataclass(frozen=True)
class StatementPlan:
    """A statement and its plan.

    statement: its text, with `$1` in the place of a parameter
    calls: how often the application sent it
    total_ms: the time that the server spent on it
    nodes: the nodes of its plan in the order of the tree, as `EXPLAIN (FORMAT JSON)` names their properties, each with
        its `depth` in place of the nodes below it; empty where the statement could not be planned
    failure: the reason why it could not be planned; empty otherwise
    share: of the time that the server spent on the application's statements; None in an older record
    values: what the record shows of the values that it was executed with, by parameter; `***` for one that is not shown
    execution_ms: the time of the execution behind an executed plan; None for a generic plan
    not_executed: the reason why a statement with a share of `MIN_SHARE` has a generic plan
    executed_in: the earlier run with its executed plan, where it was executed once for the deployment
    """

    statement: str
    calls: int
    total_ms: float
    nodes: tuple[Mapping[str, Any], ...] = ()
    failure: str = ""
    share: float | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    execution_ms: float | None = None
    not_executed: str = ""
    executed_in: str = ""

    @property
    def is_executed(self) -> bool:
        """True if its plan was measured."""
        return bool(self.nodes) and self.execution_ms is not None

    @property
    def mean_ms(self) -> float:
        """The mean time of a call in the server."""
        return self.total_ms / self.calls if self.calls else 0.0


def read(directory: Path) -> tuple[StatementPlan, ...] | None:
    """Read the plans of a run; None where none were recorded.

    Raises `RecordingError` for a file of another shape.
    """
    path = directory / FILE
    try:
        stored = read_json(path).value
    except FileNotFoundError:
        return None
    entries = stored.get(KEY) if isinstance(stored, dict) else None
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise RecordingError(f"{path} has no plans of statements; measure again")
    return tuple(StatementPlan(**{**entry, "nodes": tuple(entry["nodes"])}) for entry in entries)


def _is_entry(entry: object) -> bool:
    """True for the fields of a `StatementPlan`, each of its kind."""
    return (
        isinstance(entry, dict)
        and REQUIRED.keys() <= entry.keys() <= KINDS.keys()
        and all(isinstance(value, KINDS[name]) for name, value in entry.items())
        and all(map(_is_node, entry["nodes"]))
        and all(isinstance(value, str) for value in entry.get("values", {}).values())
    )


def _is_node(node: object) -> bool:
    depth = node.get(DEPTH) if isinstance(node, dict) else None
    return isinstance(depth, int) and 0 <= depth <= MAX_DEPTH

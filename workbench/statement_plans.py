"""The plans of the statements of a run, `plans.json`, read and checked against their shape.

Each is the *generic* plan of a statement, for any values of its parameters: the plan that ran may have been another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import RecordingError
from .record_files import read_json

FILE = "plans.json"
KEY = "plans"
DEPTH = "depth"  # in a node: how many nodes are above it
MAX_DEPTH = 1_000


@dataclass(frozen=True)
class StatementPlan:
    """A statement and its plan.

    statement: its text, with `$1` in the place of a parameter
    calls: how often the application sent it
    total_ms: the time that the server spent on it
    nodes: the nodes of its plan in the order of the tree, as `EXPLAIN (FORMAT JSON)` names their properties, each with
        its `depth` in place of the nodes below it; empty where the statement could not be planned
    failure: the reason why it could not be planned; empty otherwise
    """

    statement: str
    calls: int
    total_ms: float
    nodes: tuple[Mapping[str, Any], ...] = ()
    failure: str = ""

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
    kinds = {"statement": str, "calls": int, "total_ms": int | float, "nodes": list, "failure": str}
    return (
        isinstance(entry, dict)
        and entry.keys() == kinds.keys()
        and all(isinstance(entry[name], kind) for name, kind in kinds.items())
        and all(map(_is_node, entry["nodes"]))
    )


def _is_node(node: object) -> bool:
    depth = node.get(DEPTH) if isinstance(node, dict) else None
    return isinstance(depth, int) and 0 <= depth <= MAX_DEPTH

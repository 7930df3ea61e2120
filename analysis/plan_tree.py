"""A query plan as a tree of few words: of each node what it reads, its rows, its blocks and its time.

    Limit  50 rows, 4 hit, 0.1 ms
      Index Scan using bag_qr_id on bag  50 rows, estimated 16,162 (× 323), 4 hit, 0.1 ms

Rows are those of one loop. Blocks and time have those of the nodes below in them, as in `EXPLAIN`; a node that several
processes carry out at once has the time of one of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workbench.statement_plans import DEPTH

from .query_plans import ACTUAL, HIT, LOOPS, READ, TIME, is_executed, node_name, number

MIN_MISESTIMATE = 10.0  # estimated to actual rows, or the inverse, from which on a node is marked
LIMIT = "Limit"
GATHER = ("Gather", "Gather Merge")
WITHOUT_ROWS = ("BitmapAnd", "BitmapOr")  # PostgreSQL reports 0 rows for them
NEED_ALL_ROWS = ("Sort", "Aggregate", "Hash", "Bitmap Heap Scan")
CHANGED_MARK, SAME_MARK = "≠ ", "  "
INDENT = "  "


class PlanNode(NamedTuple):
    """A node of a plan.

    depth: how many nodes are above it
    name: what it does, with its table and index
    kind: PostgreSQL's name for it
    table_name, index_name: empty where it reads none
    estimated_rows, actual_rows: of one loop; None for actual rows that nothing measured
    misestimate: the larger of the two over the smaller one, each at least 1; None where it says nothing, as below a
        LIMIT that ends the node early
    hit, read: blocks found in shared memory, and blocks read from files
    time_ms: of all loops in one process
    processes: how many carried out the node at once
    """

    depth: int
    name: str
    kind: str
    table_name: str
    index_name: str
    estimated_rows: float
    actual_rows: float | None = None
    misestimate: float | None = None
    hit: int = 0
    read: int = 0
    time_ms: float = 0.0
    processes: int = 1

    @property
    def is_misestimated(self) -> bool:
        """True if the planner was wrong about its rows by `MIN_MISESTIMATE` or more."""
        return self.misestimate is not None and self.misestimate >= MIN_MISESTIMATE


def tree(nodes: Sequence[Mapping[str, Any]]) -> list[PlanNode]:
    """The nodes of a plan, `StatementPlan.nodes`, in the order of the tree."""
    result: list[PlanNode] = []
    above: list[PlanNode] = []
    for node in nodes:
        above = [each for each in above if each.depth < node[DEPTH]]
        result.append(_node(node, _processes(node, above), ends_early=_ends_early(above)))
        above.append(result[-1])
    return result


def _processes(node: Mapping[str, Any], above: Sequence[PlanNode]) -> int:
    """The number of processes: below a Gather as many as its child has loops, and so on all the way down."""
    if above and above[-1].kind in GATHER:
        return max(1, int(number(node, LOOPS)))
    return above[-1].processes if above else 1


def _ends_early(above: Sequence[PlanNode]) -> bool:
    """True for a node below a LIMIT, unless a node between them needs all of its rows before it has a first one."""
    deciding = (node.kind for node in reversed(above) if node.kind in (LIMIT, *NEED_ALL_ROWS))
    return next(deciding, "") == LIMIT


def _node(node: Mapping[str, Any], processes: int, *, ends_early: bool) -> PlanNode:
    index, table = (str(node.get(name, "")) for name in ("Index Name", "Relation Name"))
    kind, estimated = str(node.get("Node Type", "unknown")), number(node, "Plan Rows")
    planned = PlanNode(node[DEPTH], node_name(node), kind, table, index, estimated, processes=processes)
    loops = number(node, LOOPS)
    if not is_executed(node) or not loops:
        return planned
    actual = number(node, ACTUAL)
    return planned._replace(
        actual_rows=actual,
        misestimate=None if kind in WITHOUT_ROWS else _misestimate(estimated, actual, ends_early),
        hit=int(number(node, HIT)),
        read=int(number(node, READ)),
        time_ms=loops / processes * number(node, TIME),
    )


def _misestimate(estimated: float, actual: float, ends_early: bool) -> float | None:
    estimated, actual = max(1.0, estimated), max(1.0, actual)
    return None if ends_early and actual < estimated else max(estimated, actual) / min(estimated, actual)


def tree_text(nodes: Sequence[PlanNode], changed: Iterable[bool] = (), *, executed: bool = True) -> str:
    """A line for each node; `changed` marks nodes with `≠`. `executed` is False for a generic plan."""
    marks = [CHANGED_MARK if is_changed else SAME_MARK for is_changed in changed] or [""] * len(nodes)
    return "\n".join(
        f"{mark}{INDENT * node.depth}{node.name}  {_facts(node, executed)}"
        for mark, node in zip(marks, nodes, strict=True)
    )


def _facts(node: PlanNode, executed: bool) -> str:
    if node.actual_rows is None:
        return "never executed" if executed else f"{_rows(node.estimated_rows)} estimated"
    return ", ".join(
        [
            *([] if node.kind in WITHOUT_ROWS else [_rows(node.actual_rows)]),
            *([f"estimated {node.estimated_rows:,.0f} (× {node.misestimate:,.0f})"] if node.is_misestimated else []),
            *([f"{node.hit:,} hit"] if node.hit else []),
            *([f"{node.read:,} read"] if node.read else []),
            f"{node.time_ms:,.1f} ms",
        ]
    )


def _rows(rows: float) -> str:
    return f"{rows:,.0f} row{'' if round(rows) == 1 else 's'}"

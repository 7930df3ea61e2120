"""Query plans as text, and the scans in them that read a large table whole."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from workbench.statement_plans import DEPTH, StatementPlan

MIN_ROWS = 10_000  # of a table whose sequential scan is worth a look
SEQUENTIAL, BY_INDEX = "Seq Scan", ("Index Scan", "Index Only Scan")
WRITE = "ModifyTable"  # PostgreSQL's text has its operation: Insert, Update, Delete
INDENT = "      "
ARROW = "->  "
ACTUAL, LOOPS, TIME, REMOVED = "Actual Rows", "Actual Loops", "Actual Total Time", "Rows Removed by Filter"
HIT, READ = "Shared Hit Blocks", "Shared Read Blocks"
# Properties of a node that decide what it reads, in the order of PostgreSQL's text.
CONDITIONS = ("Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter", "Sort Key", "Group Key")


class Scan(NamedTuple):
    """A statement whose plan reads a table of `rows` rows whole, unless it stops early.

    `order_index` is the one by whose order it reads; empty for a sequential scan.
    """

    statement: str
    table: str
    rows: int
    order_index: str = ""


def plan_text(nodes: Sequence[Mapping[str, Any]]) -> str:
    """The nodes as an indented text, as `EXPLAIN` prints a plan."""
    return "\n".join(line for node in nodes for line in _lines(node))


def _lines(node: Mapping[str, Any]) -> Iterator[str]:
    depth = node[DEPTH]
    margin = INDENT * depth
    costs = f"cost={number(node, 'Startup Cost'):.2f}..{number(node, 'Total Cost'):.2f}"
    arrow = margin[: -len(ARROW)] + ARROW if depth else ""
    actual = _actual(node) if is_executed(node) else ""
    yield f"{arrow}{node_name(node)}  ({costs} rows={number(node, 'Plan Rows'):.0f}){actual}"
    for name in CONDITIONS:
        if value := node.get(name):
            yield f"{margin}  {name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
    if removed := number(node, REMOVED):
        yield f"{margin}  {REMOVED}: {removed:.0f}"
    if is_executed(node):
        yield f"{margin}  Buffers: shared hit={number(node, HIT):.0f} read={number(node, READ):.0f}"


def is_executed(node: Mapping[str, Any]) -> bool:
    """True for a node of an executed plan, also for one that was never reached."""
    return ACTUAL in node


def _actual(node: Mapping[str, Any]) -> str:
    if not (loops := number(node, LOOPS)):
        return " (never executed)"
    time_ms = f"{number(node, 'Actual Startup Time'):.3f}..{number(node, TIME):.3f}"
    return f" (actual time={time_ms} rows={number(node, ACTUAL):.2f} loops={loops:.0f})"


def node_name(node: Mapping[str, Any]) -> str:
    """Such as `Parallel Seq Scan on bag`, `Index Scan using bag_pkey on bag b` or `Hash Left Join`."""
    kind = str(node.get("Node Type", "unknown"))
    kind = str(node.get("Operation", kind)) if kind == WRITE else kind
    join = node.get("Join Type", "Inner")
    if join != "Inner":
        kind = f"{kind.removesuffix(' Join')} {join} Join"
    name = f"Parallel {kind}" if node.get("Parallel Aware") is True else kind
    name += f" using {node['Index Name']}" if "Index Name" in node else ""
    if (table := node.get("Relation Name")) is None:
        return name
    alias = node.get("Alias", table)
    return f"{name} on {table}" + (f" {alias}" if alias != table else "")


def number(node: Mapping[str, Any], name: str) -> float:
    """A property that is a number; 0 for one that is missing, or of another kind."""
    value = node.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def whole_scans(plans: Sequence[StatementPlan], rows: Mapping[str, int]) -> list[Scan]:
    """Return the scans without a condition that an index answers, of tables with `MIN_ROWS` rows or more.

    `rows` are the numbers of rows by table.
    """
    scans = [
        Scan(plan.statement, table, rows[table], index)
        for plan in plans
        for table, index in _scanned(plan)
        if rows.get(table, 0) >= MIN_ROWS
    ]
    return list(dict.fromkeys(scans))


def _scanned(plan: StatementPlan) -> Iterator[tuple[str, str]]:
    """Yield the tables that a plan reads whole, each with the index by whose order."""
    for node in plan.nodes:
        kind, table = node.get("Node Type"), str(node.get("Relation Name"))
        if kind == SEQUENTIAL:
            yield table, ""
        elif kind in BY_INDEX and "Index Cond" not in node:
            yield table, str(node.get("Index Name"))

"""Query plans: the text that PostgreSQL prints of them, and the tables that they read whole."""

import pytest

from analysis.query_plans import MIN_ROWS, Scan, plan_text, whole_scans
from workbench.statement_plans import StatementPlan

COSTS = {"Startup Cost": 0.5, "Total Cost": 12, "Plan Rows": 3}
NODES = (
    {"depth": 0, "Node Type": "Hash Join", "Join Type": "Left", "Hash Cond": "(b.id = scan.bag_id)", **COSTS},
    {"depth": 1, "Node Type": "Seq Scan", "Relation Name": "bag", "Alias": "b", "Parallel Aware": True, **COSTS},
    {"depth": 1, "Node Type": "Hash", **COSTS},
    {"depth": 2, "Node Type": "Index Scan", "Relation Name": "scan", "Alias": "scan", "Index Name": "scan_bag", **COSTS,
     "Index Cond": "(id = $1)", "Sort Key": ["a", "b"]},
)  # fmt: skip
TEXT = """\
Hash Left Join  (cost=0.50..12.00 rows=3)
  Hash Cond: (b.id = scan.bag_id)
  ->  Parallel Seq Scan on bag b  (cost=0.50..12.00 rows=3)
  ->  Hash  (cost=0.50..12.00 rows=3)
        ->  Index Scan using scan_bag on scan  (cost=0.50..12.00 rows=3)
              Index Cond: (id = $1)
              Sort Key: a, b"""


def test_a_write_is_named_by_its_operation():
    write = {"depth": 0, "Node Type": "ModifyTable", "Operation": "Insert", "Relation Name": "scan", "Alias": "scan"}
    assert plan_text([write]).startswith("Insert on scan  (")


EXECUTED = {
    "Actual Startup Time": 0.01, "Actual Total Time": 1.5, "Actual Rows": 4.5, "Actual Loops": 2,
    "Rows Removed by Filter": 7, "Shared Hit Blocks": 3,
}  # fmt: skip


def test_an_executed_plan_has_its_rows_time_and_buffers():
    unreached = NODES[1] | EXECUTED | {"Actual Loops": 0, "Rows Removed by Filter": 0}
    assert plan_text([NODES[0] | EXECUTED, unreached]).splitlines() == [
        "Hash Left Join  (cost=0.50..12.00 rows=3) (actual time=0.010..1.500 rows=4.50 loops=2)",
        "  Hash Cond: (b.id = scan.bag_id)",
        "  Rows Removed by Filter: 7",
        "  Buffers: shared hit=3 read=0",
        "  ->  Parallel Seq Scan on bag b  (cost=0.50..12.00 rows=3) (never executed)",
        "        Buffers: shared hit=3 read=0",
    ]


def scans(*nodes, rows):
    return whole_scans([StatementPlan("SELECT", 1, 1.0, nodes)], {"bag": rows, "scan": rows})


def test_a_plan_reads_as_postgresql_prints_it():
    assert plan_text(NODES) == TEXT


def test_a_sequential_scan_of_a_large_table_is_named_once():
    assert scans(*NODES, NODES[1], rows=MIN_ROWS) == [Scan("SELECT", "bag", MIN_ROWS)]
    assert scans(*NODES, rows=MIN_ROWS - 1) == []


def test_an_index_that_only_gives_the_order_saves_no_reading():
    node = {name: value for name, value in NODES[3].items() if name != "Index Cond"}
    assert scans(node, rows=MIN_ROWS) == [Scan("SELECT", "scan", MIN_ROWS, "scan_bag")]


@pytest.mark.parametrize("node", [{"depth": 0}, {"depth": 0, "Node Type": 7, "Total Cost": "x", "Relation Name": None}])
def test_a_node_that_lacks_properties_is_shown_all_the_same(node):
    assert "cost=0.00..0.00 rows=0" in plan_text([node])
    assert scans(node, rows=MIN_ROWS) == []

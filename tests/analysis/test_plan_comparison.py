"""Comparison of plans that PostgreSQL made: which nodes differ, and how the tables are read."""

import pytest

from analysis.plan_comparison import compare
from analysis.plan_tree import tree, tree_text
from tests.recorded_plans import AGGREGATED, MEASURED, TRIGRAM, TUNED_PLANS, nodes

SCAN = "Parallel Seq Scan on bag"
BITMAPS = "Bitmap Index Scan using bag_qr_id_trigram, Bitmap Index Scan using bag_name_trigram"


def names(nodes, changed):
    return [node.name for node, is_changed in zip(nodes, changed, strict=True) if is_changed]


def test_an_index_in_the_place_of_a_scan_is_named():
    change = compare(tree(nodes(MEASURED)), tree(nodes(TRIGRAM)))
    assert not change.is_same
    assert change.sentence() == f"{SCAN} → {BITMAPS}"
    assert names(change.before, change.changed_before) == ["Gather", SCAN]
    assert names(change.after, change.changed_after) == ["Bitmap Heap Scan on bag", "BitmapOr", *BITMAPS.split(", ")]
    marked = [line for line in tree_text(change.after, change.changed_after).splitlines() if line.startswith("≠")]
    assert len(marked) == 4


@pytest.mark.parametrize(("before", "after"), [(TRIGRAM, TUNED_PLANS), (MEASURED, MEASURED)])
def test_plans_that_differ_in_rows_and_costs_only_are_the_same(before, after):
    change = compare(tree(nodes(before)), tree(nodes(after)))
    assert change.is_same
    assert change.sentence() == ""


def test_the_same_statement_on_both_has_the_same_plan():
    assert compare(tree(nodes(MEASURED, AGGREGATED)), tree(nodes(TRIGRAM, AGGREGATED))).is_same


def test_nodes_that_read_nothing_are_named_where_nothing_else_differs():
    limit, sort, scan = ({"depth": 0, "Node Type": "Limit"}, {"depth": 1, "Node Type": "Sort"},
                         {"depth": 1, "Node Type": "Seq Scan", "Relation Name": "bag"})  # fmt: skip
    assert compare(tree([limit, sort]), tree([limit])).sentence() == "Sort → nothing in its place"
    assert compare(tree([limit]), tree([limit, scan])).sentence() == "nothing in its place → Seq Scan on bag"

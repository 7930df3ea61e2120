"""Plans as trees: rows, blocks and time of each node, and where the planner was wrong about its rows."""

import pytest

from analysis.plan_tree import tree, tree_text

LIMIT = {"depth": 0, "Node Type": "Limit", "Plan Rows": 50, "Actual Rows": 50.0, "Actual Loops": 1,
         "Actual Total Time": 0.27, "Shared Hit Blocks": 1009}  # fmt: skip
SCAN = {"depth": 1, "Node Type": "Index Scan", "Index Name": "bag_qr_id", "Relation Name": "bag", "Alias": "bag",
        "Plan Rows": 4, "Actual Rows": 50.0, "Actual Loops": 3, "Actual Total Time": 0.1, "Shared Hit Blocks": 1000,
        "Shared Read Blocks": 9}  # fmt: skip
SORT = {"depth": 1, "Node Type": "Sort", "Plan Rows": 5000, "Actual Rows": 50.0, "Actual Loops": 1}
UNREACHED = {"depth": 1, "Node Type": "Seq Scan", "Relation Name": "bag", "Plan Rows": 9, "Actual Rows": 0.0,
             "Actual Loops": 0}  # fmt: skip
GENERIC = {"depth": 0, "Node Type": "Seq Scan", "Relation Name": "bag", "Plan Rows": 16000}


def misestimates(*nodes):
    return [node.misestimate for node in tree(nodes)]


def test_an_executed_plan_has_rows_blocks_and_time():
    assert tree_text(tree([LIMIT, SCAN, UNREACHED])) == (
        "Limit  50 rows, 1,009 hit, 0.3 ms\n"
        "  Index Scan using bag_qr_id on bag  50 rows, estimated 4 (× 12), 1,000 hit, 9 read, 0.3 ms\n"
        "  Seq Scan on bag  never executed"
    )


def test_a_generic_plan_has_estimates_only():
    assert tree_text(tree([GENERIC]), executed=False) == "Seq Scan on bag  16,000 rows estimated"
    assert tree_text([]) == ""


def test_nodes_that_changed_are_marked():
    assert tree_text(tree([LIMIT, UNREACHED]), [False, True]).splitlines()[1] == "≠   Seq Scan on bag  never executed"


def test_processes_that_work_at_once_have_the_time_of_one_of_them():
    gather = LIMIT | {"Node Type": "Gather"}
    nested = SCAN | {"depth": 2, "Actual Loops": 30}
    assert [node.time_ms for node in tree([gather, SCAN, nested])] == pytest.approx([0.27, 0.1, 1.0])


def test_a_node_whose_rows_postgresql_does_not_count_has_none():
    (node,) = tree([LIMIT | {"Node Type": "BitmapOr", "Actual Rows": 0.0}])
    assert node.misestimate is None
    assert tree_text([node]) == "BitmapOr  1,009 hit, 0.3 ms"


@pytest.mark.parametrize(
    ("estimated", "actual", "misestimate", "marked"),
    [
        (100, 9.9, 10.1, True),
        (10, 100.0, 10.0, True),
        (100, 11.0, 9.1, False),
        (0, 0.0, 1.0, False),
        (1, 0.0, 1.0, False),
    ],
)
def test_a_node_is_marked_from_a_factor_of_ten_on(estimated, actual, misestimate, marked):
    (node,) = tree([LIMIT | {"Plan Rows": estimated, "Actual Rows": actual}])
    assert node.misestimate == pytest.approx(misestimate, abs=0.05)
    assert node.is_misestimated is marked


def test_fewer_rows_than_estimated_below_a_limit_say_nothing_of_the_estimate():
    below = SCAN | {"Plan Rows": 5000}
    assert misestimates(LIMIT, below) == [1.0, None]
    assert misestimates(LIMIT, SCAN)[1] == 12.5
    # A sort reads all rows below it before it returns the first one.
    assert misestimates(LIMIT, SORT, below | {"depth": 2}) == [1.0, None, 100.0]
    assert misestimates(LIMIT | {"depth": 1}, below | {"depth": 1}) == [1.0, 100.0]

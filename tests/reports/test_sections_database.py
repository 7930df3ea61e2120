"""The database route: effects of its choices, round trips, and pools under load."""

import pytest

from reports.sections import database
from tests.reports.page_reader import column, report_of, table_cells
from workbench.arms import BASELINE, TUNED


def read_arms(builder, blocks):
    slow = [builder.run("as-measured-with-no-pool", "reads", slower=1.5, block=block) for block in range(blocks)]
    return slow + [builder.run(BASELINE, "reads", block=block) for block in range(blocks)]


def test_the_database_route_is_compared_with_as_measured(builder):
    rows = table_cells(
        database.database_route(report_of(builder.experiment(*read_arms(builder, 4)))),
        "As-measured with one thing changed",
    )
    assert list(rows) == ["nothing", "no pool"]
    assert column(rows, "dashboard (ms)") == {"nothing": "80.0", "no pool": "120.0"}


@pytest.mark.parametrize(("blocks", "shown"), [(4, "1.50 regression"), (1, "1.50")])
def test_the_effect_of_a_choice_has_a_verdict_from_four_blocks_on(builder, blocks, shown):
    html = database.database_route(report_of(builder.experiment(*read_arms(builder, blocks))))
    rows = table_cells(html, "Effect of each change under reads")
    assert column(rows, "duration") == {"no pool": shown}


def test_round_trips_are_shown_by_endpoint_and_arm(builder):
    runs = [builder.run(BASELINE, "reads"), builder.run("tuned", "sustained-100-write")]
    rows = table_cells(
        database.database_route(report_of(builder.experiment(*runs))), "Round trips of a request, and its statements"
    )
    assert list(rows) == ["as-measured, reads", "tuned, sustained-100-write"]
    assert rows["as-measured, reads"]["dashboard"] == "5.0 for 2.0"
    assert rows["as-measured, reads"]["scan"] == "–"
    assert rows["tuned, sustained-100-write"]["scan"] != "–"


def test_pools_under_a_load_with_writes_show_their_counters_and_lost_scans(builder):
    published_pool = builder.run("tuned-with-published-pool", "sustained-100-write")
    published_pool.record["writes"] |= {"acknowledged": 12, "lost": 1}
    runs = [
        builder.run(TUNED, "sustained-100-write"),
        published_pool,
        builder.run("tuned-with-fifo", "sustained-100-write"),
    ]
    runs[2].invalid()
    rows = table_cells(database.pools_under_load(report_of(builder.experiment(*runs))), "Pools under 100 users")
    assert list(rows) == [TUNED, "tuned-with-published-pool"]
    assert column(rows, "connections allowed") == {TUNED: "6", "tuned-with-published-pool": "100"}
    assert column(rows, "scans lost") == {TUNED: "0", "tuned-with-published-pool": "1"}
    assert column(rows, "scan p95 (ms)") == {TUNED: "1", "tuned-with-published-pool": "20"}
    assert rows[TUNED]["peak connections"] == rows[TUNED]["opened"] == "2"
    assert (rows[TUNED]["mean wait (ms)"], rows[TUNED]["longest wait (ms)"]) == ("1.00", "4.0")

"""The database route: effects of its choices, and round trips."""

import pytest

from reports.sections import database, effects
from reports.sections.names import arm
from tests.reports.page_reader import column, report_of, table_cells
from workbench.arms import BASELINE, TUNED


def read_arms(builder, blocks):
    slow = [builder.run("as-measured-with-no-pool", "reads", slower=1.5, block=block) for block in range(blocks)]
    return slow + [builder.run(BASELINE, "reads", block=block) for block in range(blocks)]


def test_the_database_route_is_compared_with_as_measured(builder):
    rows = table_cells(
        database.database_route(report_of(builder.experiment(*read_arms(builder, 4)))),
        "The published set-up with one thing changed",
    )
    assert list(rows) == ["nothing", "no connection pool"]
    assert column(rows, "dashboard (ms)") == {"nothing": "80.0", "no connection pool": "120.0"}


@pytest.mark.parametrize(("blocks", "shown"), [(4, "1.50 (1.50–1.50) regression"), (1, "1.50")])
def test_the_effect_of_a_choice_has_a_verdict_from_four_blocks_on(builder, blocks, shown):
    html = effects.read_effects(report_of(builder.experiment(*read_arms(builder, blocks))))
    rows = table_cells(html, "Single changes of the published set-up, single reads")
    assert column(rows, "duration") == {"no connection pool": shown}


def test_round_trips_are_shown_by_endpoint_and_arm(builder):
    runs = [builder.run(BASELINE, "reads"), builder.run("tuned", "sustained-100-write")]
    rows = table_cells(
        database.database_route(report_of(builder.experiment(*runs))), "Round trips of a request, and its statements"
    )
    reads, writes = arm(BASELINE, "reads"), arm(TUNED, "sustained-100-write")
    assert list(rows) == [reads, writes]
    assert rows[reads]["dashboard: round trips"] == "5.0"
    assert rows[reads]["dashboard: statements"] == "2.0"
    assert rows[reads]["scan: round trips"] == "–"
    assert rows[writes]["scan: round trips"] != "–"

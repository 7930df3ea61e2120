"""Query plans on the page: large statements with calls and share, and trees whose changed nodes are marked."""

from reports.sections import query_plans
from tests.recorded_plans import MEASURED, SEARCH, compared_plans
from tests.reports.page_reader import page_text, report_of, table_rows

CAPTION = "Large statements and their plans"


def test_large_statements_have_their_calls_share_and_time(builder):
    html = query_plans.query_plans(report_of(compared_plans(builder)))
    head, search, trigram, aggregated = table_rows(html, CAPTION)
    assert head == ["statement; set-up", "calls", "of the time of requests", "one execution (ms)", "reads"]
    assert search[0].startswith("SELECT id, qr_id,")
    assert search[1] == str(MEASURED[0]["calls"])
    assert search[3] == f"{MEASURED[0]['execution_ms']:,.1f}"
    assert trigram[0].endswith("trigram index")
    assert trigram[4].startswith("Parallel Seq Scan on bag → Bitmap Index Scan using bag_qr_id_trigram")
    assert aggregated[0].startswith("SELECT (SELECT count(*)")


def test_each_plan_is_a_tree_in_which_changed_nodes_are_bold(builder):
    html = str(query_plans.query_plans(report_of(compared_plans(builder))))
    assert html.count("<pre") == 3
    assert "<b>≠     Bitmap Heap Scan on bag" in html
    assert "  Limit  40 rows, 21,502 hit" in html


def test_set_ups_with_an_equal_plan_share_a_tree(builder):
    same = builder.run("as-measured-with-no-pool", "reads")
    same.plans = MEASURED
    html = query_plans.query_plans(report_of(builder.experiment(builder.run("as-measured", "reads"), same)))
    assert str(html).count("<pre") == 2
    assert "published set-up, run here, and 1 other alike" in page_text(html)
    assert "≠ marks" in page_text(html)


def test_without_plans_or_the_published_set_up_there_is_nothing(builder):
    assert str(query_plans.query_plans(report_of(builder.experiment(builder.run())))) == ""
    only_tuned = builder.experiment(builder.run("tuned", "reads"), name="tuned")
    assert str(query_plans.query_plans(report_of(only_tuned))) == ""


def test_marks_are_those_of_the_plan_that_was_compared(builder):
    """The published set-up has two plans of a statement, by its values; one variant differs for the second values."""
    search = next(plan for plan in MEASURED if plan["statement"] == SEARCH)
    others = search | {"values": {"word": "other values"}, "nodes": search["nodes"][:-1]}
    plans = {
        ("as-measured", "reads"): search,
        ("as-measured", "burst-50"): others,
        ("tuned", "reads"): search,
        ("as-measured-with-no-pool", "burst-50"): others | {"nodes": search["nodes"][-1:]},
    }
    runs = [builder.run(*arm) for arm in plans]
    for run, plan in zip(runs, plans.values(), strict=True):
        run.plans = [plan]
    html = str(query_plans.query_plans(report_of(builder.experiment(*runs))))
    assert html.count("<pre") == 2
    assert html.count("<b>≠ ") == len(others["nodes"]) + 1

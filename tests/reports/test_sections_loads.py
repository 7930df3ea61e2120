"""Latency sections: single requests, bursts and other loads, compared with the rows."""

import pytest

from reports.sections import loads
from tests.reports.page_reader import column, page_text, report_of, table_cells
from workbench.arms import BASELINE, LABELS, TUNED

HERE = LABELS[BASELINE]
ONE_BLOCK = "one pass, 1 block: an interval takes 4"


def test_the_queue_predicts_only_where_single_requests_were_measured(reports, builder):
    predicted = table_cells(loads.burst(reports("full"), 50), "50 users at once: mean latency by endpoint")
    assert column(predicted, "prediction error") == dict.fromkeys(predicted, "+0.0%")
    report = report_of(builder.experiment(builder.run(), builder.run(TUNED)))
    rows = table_cells(loads.burst(report, 50), "50 users at once: mean latency by endpoint")
    assert all({"predicted by the queue (ms)", "prediction error"}.isdisjoint(cells) for cells in rows.values())


def test_single_requests_agree_with_the_rows(builder):
    slow = builder.run(BASELINE, "single", slower=3.2)
    slow.rows_of("login")[-1]["latency_us"] = 400_000
    experiment = builder.experiment(slow, builder.run(TUNED, "single"))
    rows = table_cells(loads.individual(report_of(experiment)), "Single requests")
    for deployment, name in ((BASELINE, f"{HERE} (ms)"), (TUNED, "tuned (ms)")):
        means_ms = experiment.find(deployment, "single")[0].measured.groupby("endpoint")["latency_ms"].mean()
        assert {row: float(cell) for row, cell in column(rows, name).items()} == pytest.approx(dict(means_ms), abs=0.51)
    assert column(rows, f"{HERE}: range (ms)") == {"login": "320–400", "dashboard": "256–256", "search": "16–16"}
    assert column(rows, "under 300 ms") == {"login": "fail", "dashboard": "pass", "search": "pass"}
    assert column(rows, "published mean (ms)") == {"login": "–", "dashboard": "231", "search": "112"}
    assert column(rows, "measured / published") == {"login": "–", "dashboard": "1.11", "search": "0.14"}


def test_single_requests_that_were_not_measured_have_no_column(reports):
    rows = table_cells(loads.individual(reports("without a valid run")), "Single requests")
    assert all(f"{HERE} (ms)" not in cells for cells in rows.values())
    assert set(column(rows, "under 300 ms").values()) == {"not measured"}


def test_a_burst_of_25_agrees_with_the_rows_and_with_the_queue(builder):
    single, burst = builder.run(BASELINE, "single"), builder.run(BASELINE, "burst-25", slower=1.25)
    experiment = builder.experiment(single, burst, builder.run(TUNED, "burst-25"))
    rows = table_cells(loads.burst(report_of(experiment), 25), "25 users at once: mean latency by endpoint")
    assert column(rows, f"{HERE} (ms)") == {"login": "1,625", "dashboard": "2,800", "search": "1,281"}
    assert column(rows, "predicted by the queue (ms)") == {"login": "1,300", "dashboard": "2,240", "search": "1,025"}
    assert set(column(rows, "prediction error").values()) == {"-20.0%"}
    assert column(rows, "measured / published") == {"login": "0.60", "dashboard": "0.55", "search": "0.35"}
    for deployment, name in ((BASELINE, f"{HERE} (ms)"), (TUNED, "tuned (ms)")):
        means_ms = experiment.find(deployment, "burst-25")[0].measured.groupby("endpoint")["latency_ms"].mean()
        shown = {row: float(cell.replace(",", "")) for row, cell in column(rows, name).items()}
        assert shown == pytest.approx(dict(means_ms), abs=0.51)


def test_the_totals_of_a_burst_agree_with_the_rows(builder):
    burst = builder.run(BASELINE, "burst-25", slower=1.2)
    for row in burst.rows[:3]:
        row["ok"] = False
    experiment = builder.experiment(burst, builder.run(TUNED, "burst-25", slower=2))
    rows = table_cells(loads.burst(report_of(experiment), 25), "25 users at once: totals")
    measured = experiment.runs[0].measured
    by_endpoint = measured[measured["ok"]].groupby("endpoint")["latency_ms"].quantile(0.95)
    p95_ms = {f"{name}, p95 (ms)": f"{value:,.0f}" for name, value in by_endpoint.items()}
    assert column(rows, HERE) == {
        "successful responses": "96.0%",
        "failures": "3 of 75: login 3 × failed",
        "duration (s)": "5.5",
        "throughput (requests/s)": f"{72 / 5.55:.1f}",
        **p95_ms,
    }
    assert column(rows, "tuned")["throughput (requests/s)"] == f"{75 / 0.4625:.1f}"
    assert column(rows, "published") == {
        "successful responses": "100.0%",
        "failures": "–",
        "duration (s)": "12.62",
        "throughput (requests/s)": "5.9",
        **dict.fromkeys(p95_ms, "–"),
    }


@pytest.mark.parametrize(("blocks", "words"), [(4, "the 95 % interval, from 4 blocks"), (1, ONE_BLOCK)])
def test_a_burst_names_its_number_of_blocks(builder, blocks, words):
    runs = [builder.run(name, "burst-25", block=block) for block in range(blocks) for name in (BASELINE, TUNED)]
    assert words in page_text(loads.burst(report_of(builder.experiment(*runs)), 25))


def test_two_runs_in_a_block_are_one_block(builder):
    runs = [
        builder.run(name, "burst-25", replicate=replicate) for replicate in (False, True) for name in (BASELINE, TUNED)
    ]
    assert ONE_BLOCK in page_text(loads.burst(report_of(builder.experiment(*runs)), 25))


def test_an_invalid_block_is_not_counted_as_a_block(builder):
    runs = [builder.run(name, "burst-25", block=block) for block in range(4) for name in (BASELINE, TUNED)]
    runs[0].invalid()
    assert "from 4 blocks. Without an interval: 3 blocks." in page_text(
        loads.burst(report_of(builder.experiment(*runs)), 25)
    )


def test_a_burst_is_compared_with_its_cpu_lower_bound(reports):
    rows = table_cells(loads.burst(reports("full"), 50), "50 users at once: CPU time")
    assert rows["CPU lower bound of its hashes and queries (s)"]["tuned"] == "0.32"
    assert rows["duration / CPU lower bound"]["tuned"] == "1.43"
    assert rows["CPU, workers (s)"][HERE] == "8.32"
    assert rows["CPU, load generator (s)"]["tuned"] == "0.23"
    assert rows["CPU, Valkey (s)"]["tuned"] == "–"


def test_other_loads_are_shown_where_they_were_run(reports):
    rows = table_cells(loads.other_loads(reports("full")), "Loads that were not published")
    assert rows["50 users at once, mixed terms: login, mean (ms)"]["tuned"] == "128"
    assert rows["100 users with think time: dashboard, mean (ms)"][HERE] == "80.0"
    assert str(loads.other_loads(reports("without a valid run"))) == ""


def test_latencies_by_endpoint_have_failures_beside_them_and_a_dash_without_a_success(builder):
    single = builder.run(BASELINE, "single")
    for row in single.rows_of("search"):
        row |= {"ok": False, "error": "status 503", "latency_us": 1}
    experiment = builder.experiment(single, builder.run(TUNED, "single"))
    cells = table_cells(loads.individual(report_of(experiment)), "Single requests")
    assert cells["search"][f"{HERE}: failures"] == "30 of 30: 30 × status 503"
    assert (cells["search"][f"{HERE} (ms)"], cells["search"][f"{HERE}: range (ms)"]) == ("–", "–")
    assert cells["search"]["under 300 ms"] == "not measured"
    assert (cells["login"][f"{HERE}: failures"], cells["login"]["tuned: failures"]) == ("none", "none")

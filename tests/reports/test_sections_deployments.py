"""Tables with a deployment a row: bursts, the published advice, and the split of the time."""

import pytest

from analysis.metrics import arm_metrics
from reports.sections import deployments
from tests.reports.page_reader import column, page_text, report_of, table_cells
from workbench import aggregates, endpoints
from workbench.arms import ADVISED, BASELINE, CLAIMED, LABELS, TUNED

HERE = LABELS[BASELINE]


def test_the_advice_is_shown_beside_the_measured_deployments(builder):
    runs = [builder.run(name) for name in (BASELINE, "as-advised", TUNED)]
    html = deployments.advice(report_of(builder.experiment(*runs)))
    rows = table_cells(html, "The advice for production, measured")
    assert list(rows) == [HERE, LABELS[ADVISED], TUNED]
    assert column(rows, "connections allowed")[LABELS[ADVISED]] == "720"
    assert "8 gevent workers" in page_text(html)


def test_both_ways_of_waiting_are_compared_from_the_runs(builder):
    runs = builder.run("as-advised"), builder.run("gevent-blocking", slower=2)
    text = page_text(deployments.advice(report_of(builder.experiment(*runs))))
    assert "it took 9.3 s with cooperative waiting and 18 s without" in text
    assert "The busiest worker answered 14%" in text


def test_without_the_advice_there_is_no_table_of_it(builder):
    assert str(deployments.advice(report_of(builder.experiment(builder.run(), builder.run(TUNED))))) == ""


def test_every_deployment_that_ran_the_burst_has_its_latencies(builder):
    slow = builder.run(block=1, slower=4)
    runs = [
        builder.run("tuned-without-cache"),
        builder.run(TUNED),
        builder.run(),
        slow,
        builder.run("as-advised").invalid(),
    ]
    experiment = builder.experiment(*runs, builder.run("as-claimed", "single"))
    rows = table_cells(deployments.bursts_by_deployment(report_of(experiment)), "Latency by set-up, 50 users at once")
    assert list(rows) == [HERE, TUNED, "tuned without caches"]
    assert column(rows, "runs") == {HERE: "2", TUNED: "1", "tuned without caches": "1"}
    assert rows[HERE]["duration (s)"] == "19"
    latency = arm_metrics.latency(experiment, BASELINE, "burst-50")
    for endpoint in endpoints.PUBLISHED:
        assert rows[HERE][f"{endpoint}, mean (ms)"] == f"{latency['mean_ms'][endpoint]:,.0f}"
        assert rows[HERE][f"{endpoint}, p95 (ms)"] == f"{latency['p95_ms'][endpoint]:,.0f}"


def test_without_a_burst_there_is_no_latency_by_deployment(builder):
    assert str(deployments.bursts_by_deployment(report_of(builder.experiment(builder.run(TUNED, "single"))))) == ""


def test_the_split_of_each_variant_adds_up_to_its_latency(builder):
    names = ("tuned-without-cache", "tuned-with-cookie-sessions", TUNED, BASELINE)
    experiment = builder.experiment(
        *(builder.run(name) for name in names), builder.run("tuned-with-shared-cache").invalid()
    )
    rows = table_cells(
        deployments.variants_split(report_of(experiment)), "Where the time went in tuned and its variants"
    )
    variants = [TUNED, "tuned: cookie sessions", "tuned without caches"]
    assert list(rows) == [f"{endpoint}, {name}" for endpoint in endpoints.PUBLISHED for name in variants]
    parts = [float(rows["dashboard, tuned"][part].replace(",", "")) for part in aggregates.SPLIT]
    latency_ms = arm_metrics.latency(experiment, TUNED, "burst-50")["mean_ms"]["dashboard"]
    assert sum(parts) == pytest.approx(latency_ms, abs=1)
    assert rows["dashboard, tuned"]["latency"] == f"{latency_ms:.0f}"
    assert (rows["dashboard, tuned"]["db"], rows["dashboard, tuned"]["residual"]) == ("2.00", "0.00")


def test_a_part_that_was_not_measured_has_no_column(builder):
    run = builder.run("tuned-without-cache")
    for row in run.rows:
        row["pool_us"] = None
    rows = table_cells(
        deployments.variants_split(report_of(builder.experiment(run))), "Where the time went in tuned and its variants"
    )
    assert all({"pool", "latency"}.isdisjoint(cells) for cells in rows.values())
    assert all(cells["queue"] != "–" for cells in rows.values())


def test_without_a_variant_there_is_no_split_of_them(builder):
    assert str(deployments.variants_split(report_of(builder.experiment(builder.run(TUNED))))) == ""


def test_every_table_of_latencies_has_the_failures_by_kind(builder):
    failing = builder.run("as-claimed")
    for row in failing.rows_of("search"):
        row |= {"ok": False, "error": "status 503", "latency_us": 1}
    report = report_of(builder.experiment(builder.run(), failing, builder.run("tuned")))
    cells = table_cells(deployments.bursts_by_deployment(report), "Latency by set-up, 50 users at once")
    assert cells[LABELS[CLAIMED]]["failures"] == "50 of 150: search 50 × status 503"
    assert cells[LABELS[CLAIMED]]["search, p95 (ms)"] == "–"
    assert cells["tuned"]["failures"] == "none"

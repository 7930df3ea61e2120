"""Tables with a deployment a row: bursts, the published advice, leave-one-out, and the split of the time."""

import pytest

from analysis.metrics import arm_metrics
from reports.sections import deployments
from tests.reports.page_reader import column, page_text, report_of, table_cells
from workbench import aggregates, endpoints
from workbench.arms import BASELINE, TUNED


def test_the_advice_is_shown_beside_the_measured_deployments(builder):
    runs = [builder.run(name) for name in (BASELINE, "as-advised", TUNED)]
    html = deployments.advice(report_of(builder.experiment(*runs)))
    rows = table_cells(html, "The advice for production, measured")
    assert list(rows) == [BASELINE, "as-advised", TUNED]
    assert column(rows, "connections allowed")["as-advised"] == "720"
    assert "8 gevent workers" in page_text(html)


def test_both_ways_of_waiting_are_compared_from_the_runs(builder):
    runs = builder.run("as-advised"), builder.run("gevent-blocking", slower=2)
    text = page_text(deployments.advice(report_of(builder.experiment(*runs))))
    assert "it took 9.25 s with cooperative waiting and 18.50 s without" in text
    assert "the busiest worker answered 14%" in text


def test_without_the_advice_there_is_no_table_of_it(builder):
    assert "was not run" in page_text(
        deployments.advice(report_of(builder.experiment(builder.run(), builder.run(TUNED))))
    )


def test_each_left_out_optimisation_is_compared_with_tuned(builder):
    experiment = builder.experiment(builder.run(TUNED), builder.run("tuned-without-cache", slower=0.15))
    rows = table_cells(deployments.leave_one_out(report_of(experiment)), "Tuned with one optimisation left out")
    assert list(rows) == ["nothing", "cache"]
    assert rows["cache"]["50 users at once (s)"] == f"{3 * 0.4625:.2f}"
    whole_s = arm_metrics.duration_s(experiment, TUNED, "burst-50")
    assert rows["nothing"]["50 users at once (s)"] == f"{whole_s:.2f}"


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
    rows = table_cells(
        deployments.bursts_by_deployment(report_of(experiment)), "Latency by deployment, 50 users at once"
    )
    assert list(rows) == [BASELINE, TUNED, "tuned-without-cache"]
    assert column(rows, "runs") == {BASELINE: "2", TUNED: "1", "tuned-without-cache": "1"}
    assert rows[BASELINE]["duration (s)"] == "18.50"
    latency = arm_metrics.latency(experiment, BASELINE, "burst-50")
    for endpoint in endpoints.PUBLISHED:
        assert rows[BASELINE][f"{endpoint}, mean (ms)"] == f"{latency['mean_ms'][endpoint]:,.0f}"
        assert rows[BASELINE][f"{endpoint}, p95 (ms)"] == f"{latency['p95_ms'][endpoint]:,.0f}"


def test_without_a_burst_there_is_no_latency_by_deployment(builder):
    assert "No burst" in page_text(
        deployments.bursts_by_deployment(report_of(builder.experiment(builder.run(TUNED, "single"))))
    )


def test_the_split_of_each_variant_adds_up_to_its_latency(builder):
    names = ("tuned-without-cache", "tuned-with-cookie-sessions", TUNED, BASELINE)
    experiment = builder.experiment(
        *(builder.run(name) for name in names), builder.run("tuned-with-shared-cache").invalid()
    )
    rows = table_cells(
        deployments.variants_split(report_of(experiment)), "Where the time went in tuned and its variants"
    )
    variants = [TUNED, "tuned-with-cookie-sessions", "tuned-without-cache"]
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
    assert "No variant" in page_text(deployments.variants_split(report_of(builder.experiment(builder.run(TUNED)))))


def test_without_tuned_there_is_no_leave_one_out_table(builder):
    assert "did not run" in page_text(
        deployments.leave_one_out(report_of(builder.experiment(builder.run("tuned-without-cache"))))
    )


def test_every_table_of_latencies_has_the_failures_by_kind(builder):
    failing = builder.run("as-claimed")
    for row in failing.rows_of("search"):
        row |= {"ok": False, "error": "status 503", "latency_us": 1}
    report = report_of(builder.experiment(builder.run(), failing, builder.run("tuned")))
    cells = table_cells(deployments.bursts_by_deployment(report), "Latency by deployment, 50 users at once")
    assert cells["as-claimed"]["failures"] == "50 of 150: search 50 × status 503"
    assert cells["as-claimed"]["search, p95 (ms)"] == "–"
    assert cells["tuned"]["failures"] == "none"

"""The tables of request rows: which requests count, where some fail, are of another phase, or were never sent."""

import math

import pandas as pd
import pytest

from workbench import machine_watch
from workbench.request_schema import MEASURE


def fail(rows, error="status 500", **more):
    for row in rows:
        row |= {"ok": False, "error": error, "status": 500, **more}


def by_endpoint(run):
    return run.by_endpoint.set_index("endpoint")


def test_latency_is_of_the_successful_responses_and_failures_stand_beside_it(builder):
    recorded = builder.run("as-measured", "reads")
    searches = [row for row in recorded.rows_of("search") if row["phase"] == MEASURE]
    fail(searches[:4], latency_us=10, response_us=10)
    (run,) = builder.experiment(recorded).runs
    search = by_endpoint(run).loc["search"]
    assert (search["requests"], search["successful"], search["failures"]) == (len(searches), len(searches) - 4, 4)
    assert search[["mean_ms", "median_ms", "p95_ms", "min_ms", "max_ms"]].tolist() == pytest.approx([5] * 5)
    assert search[["response_mean_ms", "response_p95_ms", "response_max_ms"]].tolist() == pytest.approx([5] * 3)
    assert search["failure_kinds"] == "4 × status 500"
    assert by_endpoint(run).loc["dashboard", "failure_kinds"] is None
    requests = run.totals["requests"]
    assert run.totals["mean_ms"] == pytest.approx((80 * requests / 2 + 5 * (requests / 2 - 4)) / (requests - 4))
    assert run.totals["all_mean_ms"] == pytest.approx((80 * requests / 2 + 5 * (requests / 2 - 4) + 0.04) / requests)
    assert run.totals["reads_p95_ms"] == pytest.approx(80)


def test_failed_requests_cost_no_statements_of_the_successful_ones(builder):
    recorded = builder.run("as-measured", "reads")
    fail(recorded.rows_of("search")[2:6], db_calls=0, db_us=0)
    experiment = builder.experiment(builder.run("as-measured", "reads", block=1), recorded)
    search = experiment.by_endpoint.set_index(["block", "endpoint"])["statements"]
    assert search[0, "search"] == search[1, "search"] == 1


def test_without_a_success_there_is_no_latency_but_the_kinds_of_failures(builder):
    recorded = builder.run()
    fail(recorded.rows)
    fail(recorded.rows_of("search")[:20], "no answer within 30 s")
    experiment = builder.experiment(recorded)
    assert by_endpoint(experiment.runs[0])[["mean_ms", "p95_ms", "response_p95_ms"]].isna().all(axis=None)
    assert (
        by_endpoint(experiment.runs[0]).loc["search", "failure_kinds"] == "30 × status 500, 20 × no answer within 30 s"
    )
    assert math.isnan(experiment.by_run["mean_ms"][0])
    assert experiment.by_arm.set_index("endpoint")["p95_ms"].isna().all()
    for shown in (repr(experiment), repr(experiment.runs[0]), experiment._repr_html_()):
        assert "130 × status 500, 20 × no answer within 30 s" in shown or "30 × status 500, 20 × no answer" in shown
        assert "nan" not in shown.lower()
        assert "–" in shown


def test_requests_before_and_after_the_load_stretch_neither_run_nor_cpu_window(builder):
    plain, stretched = builder.run("tuned", "sustained-100"), builder.run("tuned", "sustained-100", block=1)
    last = stretched.rows[-1]
    for phase, at_us in (("start", -1_500_000), ("stop", 9_000_000), ("drain", 5_000_000)):
        stretched.rows.append(last | {"phase": phase, "start_us": last["start_us"] + at_us, "ok": False, "error": "x"})
    experiment = builder.experiment(plain, stretched)
    names = ["sent", "first_ms", "last_ms", "requests", "failures", "makespan_s", "mean_ms", "p95_ms", "all_max_ms"]
    first, second = (run.totals[names].astype(float).to_dict() for run in experiment.runs)
    assert second == first
    assert experiment.runs[1].totals["queried"] == experiment.runs[0].totals["queried"] + 3


def test_an_event_whose_value_is_no_duration_stretches_no_time(builder):
    plain, stretched = builder.run("tuned", "sustained-100"), builder.run("tuned", "sustained-100", block=1)
    last = stretched.rows[-1]
    reported_us = last["start_us"]
    value = {"endpoint": "METRIC queued", "scheduled_us": reported_us - 1_000, "latency_us": 100_000_000}
    stretched.rows.append(last | value | {"start_us": reported_us - 100_000_000, "response_us": 100_000_000})
    experiment = builder.experiment(plain, stretched)
    names = ["first_ms", "last_ms", "measured_start_ms", "makespan_s"]
    first, second = (run.totals[names].astype(float).to_dict() for run in experiment.runs)
    assert second == first
    assert by_endpoint(experiment.runs[1]).loc["METRIC queued", "max_ms"] == 100_000
    requests = pd.DataFrame(stretched.rows)
    assert machine_watch.span_us(requests) == machine_watch.span_us(requests[:-1])


def test_the_tail_is_of_the_successful_responses(builder):
    recorded = builder.run()
    plain = builder.experiment(recorded).tail.set_index("endpoint")["latency_ms"]
    extra = [row | {"ok": False, "error": "x", "latency_us": 60_000_000} for row in recorded.rows_of("login")]
    recorded.rows += extra
    tail = builder.experiment(recorded, name="with-failures").tail.set_index("endpoint")["latency_ms"]
    assert tail.to_dict() == pytest.approx(plain.to_dict())


def test_quantiles_of_the_response_time_are_of_open_load_and_p95_by_endpoint_of_every_load(builder):
    closed, opened = builder.experiment(builder.run("tuned"), builder.run("tuned", "open-20")).runs
    for run in (closed, opened):
        measured = run.measured.groupby("endpoint")["response_ms"]
        assert by_endpoint(run)["response_p95_ms"].to_dict() == pytest.approx(measured.quantile(0.95).to_dict())
    measured = opened.measured.groupby("endpoint")["response_ms"]
    assert by_endpoint(opened)["response_p99_ms"].to_dict() == pytest.approx(measured.quantile(0.99).to_dict())
    assert opened.totals["response_p95_ms"] == pytest.approx(opened.measured["response_ms"].quantile(0.95))
    assert by_endpoint(closed)["response_p99_ms"].isna().all()


@pytest.mark.parametrize("how", ["a column", "no column"])
def test_a_run_without_a_response_time_has_a_latency(builder, how):
    recorded = builder.run()
    for row in recorded.rows if how == "a column" else ():
        row["response_us"] = None
    (run,) = builder.experiment(recorded).runs
    assert by_endpoint(run)["p95_ms"].notna().all()
    assert by_endpoint(run)["response_p95_ms"].isna().all() == (how == "a column")

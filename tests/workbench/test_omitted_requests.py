"""Dropped arrivals in percentiles: what the tables say agrees with numpy over the observed times and infinities."""

import math

import numpy as np
import pytest


def open_run(builder, dropped, started=None, **options):
    """A run of open load with dropped arrivals, whose latencies all differ."""
    recorded = builder.run("tuned", "open-20", **options)
    for number, row in enumerate(recorded.rows):
        row["latency_us"] = 1000 + 37 * number
        row["response_us"] = row["latency_us"] + 500
    recorded.record["generator"]["dropped"] = {"warmup": 2, "measure": dropped}
    recorded.record["generator"]["started_tasks"] = started and {"warmup": 3, "measure": started}
    return recorded


def with_infinities(values, omitted, quantile):
    """The quantile of the values and `omitted` infinities, by its definition."""
    ordered = [*np.sort(values), *[math.inf] * omitted]
    rank = quantile * (len(ordered) - 1)
    low, high = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return (
        low if low == high or rank.is_integer() else math.inf if math.isinf(high) else low + (rank % 1) * (high - low)
    )


@pytest.mark.parametrize("dropped", [1, 2, 7, 300])
def test_percentiles_are_those_of_all_that_was_due(builder, dropped):
    (run,) = builder.experiment(open_run(builder, dropped)).runs
    measured = run.measured
    assert (run.totals["dropped"], run.totals["omitted"]) == (dropped, dropped)
    expected = with_infinities(measured["latency_ms"], dropped, 0.95)
    assert run.totals["p95_ms"] == (pytest.approx(expected) if math.isfinite(expected) else math.inf)
    omitted = math.ceil(dropped / 3)  # a third of the requests are of each endpoint
    for _, row in run.by_endpoint.iterrows():
        times = measured[measured["endpoint"] == row["endpoint"]]
        assert row["omitted"] == omitted
        for name, quantile in (("median_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
            for prefix, column in (("", "latency_ms"), ("response_", "response_ms")):
                expected = with_infinities(times[column], omitted, quantile)
                assert row[f"{prefix}{name}"] == (pytest.approx(expected) if math.isfinite(expected) else math.inf)
        assert row["max_ms"] == pytest.approx(times["latency_ms"].max())
        assert (row["mean_ms"], row["sent_mean_ms"]) == (math.inf, pytest.approx(times["latency_ms"].mean()))


def test_a_dropped_arrival_omits_all_requests_of_its_task(builder):
    """Each of 10 started tasks sent one request to each of three endpoints."""
    (run,) = builder.experiment(open_run(builder, 4, started=10)).runs
    assert run.by_endpoint["omitted"].tolist() == [4, 4, 4]
    assert run.totals["omitted"] == 12


def test_one_dropped_arrival_omits_one_request_in_all_and_at_most_one_of_each_endpoint(builder):
    (run,) = builder.experiment(open_run(builder, 1)).runs
    assert run.totals["omitted"] == 1
    assert run.by_endpoint["omitted"].tolist() == [1, 1, 1]


def test_the_arm_has_the_omitted_requests_of_all_of_its_runs(builder):
    experiment = builder.experiment(open_run(builder, 3), open_run(builder, 6, block=1), open_run(builder, 0, block=2))
    by_arm = experiment.by_arm.set_index("endpoint")
    assert by_arm["omitted"].to_dict() == {"dashboard": 3, "login": 3, "search": 3, "reads": 6}
    times = np.concatenate([run.measured.query("endpoint == 'login'")["latency_ms"] for run in experiment.runs])
    assert by_arm.loc["login", "median_ms"] == pytest.approx(with_infinities(times, 3, 0.5))
    assert by_arm.loc["login", "p99_ms"] == math.inf
    assert experiment.by_run["omitted"].tolist() == [3, 6, 0]
    assert np.isfinite(experiment.by_run["p95_ms"]).tolist() == [False, False, True]


def test_warm_up_drops_alone_change_no_metric(builder):
    plain = builder.experiment(open_run(builder, 0)).runs[0]
    assert plain.totals["omitted"] == 0
    assert np.isfinite(plain.by_endpoint["p99_ms"]).all()
    assert repr(plain).splitlines()[0].endswith("2 dropped arrivals (2 of warmup), slower than every latency below")


def test_a_run_says_in_its_first_line_what_was_dropped_and_shows_the_largest_observed(builder):
    experiment = builder.experiment(open_run(builder, 7))
    (run,) = experiment.runs
    first, *_ = repr(run).splitlines()
    assert first.endswith("9 dropped arrivals (2 of warmup, 7 of measure), slower than every latency below")
    assert repr(experiment).splitlines()[0].endswith("; 9 dropped arrivals in 1-01-tuned-open-20")
    largest = run.by_endpoint.set_index("endpoint").loc["search", "max_ms"]
    row = next(line for line in repr(run).splitlines() if line.split()[0] == "search")
    assert f"> {largest:.2f}" in row
    assert "inf" not in repr(run) + run._repr_html_()


def test_failures_and_dropped_arrivals_together_leave_no_percentile_without_a_success(builder):
    recorded = open_run(builder, 5)
    for row in recorded.rows:
        row |= {"ok": False, "error": "status 503", "status": 503}
    (run,) = builder.experiment(recorded).runs
    assert np.isinf(run.by_endpoint["p95_ms"]).all()
    shown = repr(run)
    assert "inf" not in shown
    assert "nan" not in shown.lower()


@pytest.mark.parametrize("dropped", [{"measure": 0}, {}, None])
def test_counts_that_are_none_drop_nothing(builder, dropped):
    recorded = open_run(builder, 0)
    recorded.record["generator"]["dropped"] = dropped
    (run,) = builder.experiment(recorded).runs
    assert run.dropped == {}
    assert run.totals["omitted"] == 0

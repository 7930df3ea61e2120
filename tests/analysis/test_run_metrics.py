"""Tables of one run, on rows whose metrics follow from how they were built."""

import numpy as np
import pandas as pd
import pytest

from analysis.metrics import run_metrics


@pytest.fixture
def written(builder):
    """Write a run of `tuned` under `burst-50` after a change of its rows: logins 5–250 ms, and so on."""

    def written(change=lambda rows: rows, scenario="burst-50"):
        files = builder.run("tuned", scenario)
        files.rows = change(files.rows) or files.rows
        return files.write(builder.runs / "single-runs" / "made")

    return written


def fail(rows, kinds):
    """Make the first rows failures of these kinds, quicker than every success."""
    for row, kind in zip(rows, kinds, strict=False):
        row |= {"ok": False, "error": kind, "latency_us": 1, "response_us": 1}


def test_percentile_curve_ends_where_it_reaches_into_dropped_arrivals(builder):
    files = builder.run("tuned", "open-20")
    files.record["generator"]["dropped"] = {"warmup": 0, "measure": 10}
    run = files.write(builder.runs / "single-runs" / "made")
    for endpoint, due, observed in ((None, 40, 30), ("login", 14, 10)):
        last = 1 - 10 ** -run_metrics.percentile_curve(run, endpoint)["nines"].max()
        assert (observed - 3) / (due - 1) < last <= (observed - 1) / (due - 1)


def test_latency_is_of_successful_responses_and_failures_stand_beside_it(written):
    run = written(lambda rows: fail([row for row in rows if row["endpoint"] == "login"], 10 * ["refused"]))
    table = run_metrics.latency_by_endpoint(run)
    assert list(table["endpoint"].iloc[:-1]) == ["dashboard", "login", "search"]
    assert pd.isna(table["endpoint"].iloc[-1])
    assert list(table["requests"]) == [50, 50, 50, 150]
    assert list(table["failures"]) == [0, 10, 0, 10]
    measured = run.measured[run.measured["ok"] & (run.measured["endpoint"] == "login")]["latency_ms"]
    login = table[table["endpoint"] == "login"].iloc[0]
    assert login["p95_ms"] == pytest.approx(measured.quantile(0.95))
    assert login["median_ms"] == pytest.approx(measured.median())
    assert table["max_ms"].iloc[-1] == pytest.approx(run.measured["latency_ms"].max())


def test_latencies_are_queried_once_and_everyone_gets_a_copy(written, monkeypatch):
    run = written(lambda rows: None)
    changed = run_metrics.latency_by_endpoint(run)
    changed["requests"] = 0
    monkeypatch.setattr(run.rows, "query", lambda *_: pytest.fail("queried a second time"))
    assert run_metrics.latency_by_endpoint(run)["requests"].iloc[-1] == 150


def test_an_endpoint_without_a_success_has_no_latency(written):
    run = written(lambda rows: fail([row for row in rows if row["endpoint"] == "search"], 50 * ["refused"]))
    search = run_metrics.latency_by_endpoint(run).set_index("endpoint").loc["search"]
    assert (search["requests"], search["failures"]) == (50, 50)
    assert search[[*run_metrics.QUANTILES, "max_ms", "response_p95_ms"]].isna().all()
    assert run_metrics.percentile_curve(run, "search").empty


def test_failures_are_counted_by_endpoint_and_kind(written):
    def change(rows):
        fail([row for row in rows if row["endpoint"] == "login"], [*3 * ["refused"], *2 * ["timeout"], "reset"])

    table = run_metrics.failures_by_kind(written(change))
    kinds = [("login", "refused", 3), ("login", "timeout", 2), ("login", "reset", 1)]
    assert list(table[["endpoint", "kind", "requests"]].itertuples(index=False, name=None)) == kinds
    assert list(table["share"]) == [3 / 50, 2 / 50, 1 / 50]
    assert (table["first_s"] <= table["last_s"]).all()


def test_phases_are_in_the_order_of_their_first_sends(written):
    table = run_metrics.phases(written(scenario="single"))
    assert list(table["phase"]) == ["warmup", "measure"]
    assert list(table["requests"]) == [3, 90]
    assert table["start_s"].iloc[0] == 0
    assert table["start_s"].iloc[1] == pytest.approx(table["end_s"].iloc[0])


def test_rates_over_time_add_up_to_the_requests(written):
    run = written(lambda rows: fail(rows, 30 * ["refused"]))
    table, width_s = run_metrics.over_time(run)
    assert table["successful_rps"].sum() * width_s == pytest.approx(120)
    assert table["failed_rps"].sum() * width_s == pytest.approx(30)
    np.testing.assert_allclose(table["at_s"], width_s * np.arange(len(table)))


def test_an_interval_without_a_request_has_a_rate_of_zero(written):
    def change(rows):
        for row in rows[75:]:
            row["start_us"] += 60_000_000

    table, _ = run_metrics.over_time(written(change))
    empty = table[(table["successful_rps"] == 0) & (table["failed_rps"] == 0)]
    assert len(empty) > 0
    assert empty["median_ms"].isna().all()


@pytest.mark.parametrize(
    ("span_s", "requests", "width_s"),
    [(0.0, 1, 0.01), (0.4, 150, 0.05), (30.0, 3000, 0.5), (30.0, 45, 10.0), (86_400.0, 10**6, 1800.0)],
)
def test_intervals_are_few_and_have_some_requests_each(span_s, requests, width_s):
    assert run_metrics._interval_width_s(span_s, requests) == width_s


def test_a_percentile_curve_ends_where_its_requests_end(written):
    run = written()
    curve = run_metrics.percentile_curve(run, None)
    assert curve["nines"].iloc[-1] == pytest.approx(np.log10(150))
    assert curve["latency_ms"].iloc[0] == pytest.approx(run.measured["latency_ms"].min())
    assert curve["latency_ms"].is_monotonic_increasing


def test_parts_of_the_time_add_up_to_the_mean_latency(written):
    run = written()
    parts = run_metrics.time_parts(run).groupby("endpoint")["mean_ms"].sum()
    means = run.measured.groupby("endpoint")["latency_ms"].mean()
    np.testing.assert_allclose(parts.sort_index(), means.sort_index())


def test_a_run_without_server_timing_has_no_parts(written):
    def change(rows):
        for row in rows:
            row["app_us"] = None

    assert run_metrics.time_parts(written(change)).empty

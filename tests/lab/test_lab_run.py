"""A run in the lab: its slowest requests, the split of its tail, its readings, and what it lacks."""

import pytest

from lab.lab_run import LabRun
from tests.lab.shown_parts import fallback
from workbench.errors import RecordingError, UserError


@pytest.fixture(scope="module")
def run(exp):
    return exp.run("as-measured", "burst-50")


def test_the_slowest_requests_come_first(run):
    table = run.requests.slowest("login", 5).table
    assert len(table) == 5
    assert table["latency_ms"].is_monotonic_decreasing
    assert table["latency_ms"].iloc[0] == run.requests.frame.query("endpoint == 'login'")["latency_ms"].max()
    with pytest.raises(RecordingError, match="has no request to 'logout'; there are dashboard, login, search"):
        run.requests.slowest("logout")


def test_a_query_that_is_not_valid_is_one_line(run):
    assert run.requests.query("SELECT count(*) AS requests FROM measured").table["requests"].iloc[0] == 150
    with pytest.raises(RecordingError, match="the query cannot be answered: "):
        run.requests.query("SELECT latency FROM measured")


def test_the_tail_is_between_its_quantiles(run):
    table = run.split(quantile=(0.9, 0.99), endpoint="login").table.set_index("share")
    latencies = run.requests.frame.query("endpoint == 'login'")["latency_ms"]
    low, high = latencies.quantile([0.9, 0.99])
    assert table["latency_ms"]["tail"] == pytest.approx(latencies[latencies.between(low, high)].mean())
    assert table["latency_ms"]["all"] == pytest.approx(latencies.mean())


@pytest.mark.parametrize("quantile", [(0.9, 0.9), (0.99, 0.9), (-0.1, 0.5), (0.5, 1.1)])
def test_quantiles_out_of_order_are_refused(run, quantile):
    with pytest.raises(UserError, match="from 0 to 1 in ascending order"):
        run.split(quantile=quantile)


@pytest.mark.parametrize("view", ["over_time", "heat_map", "pool", "waits", "statements", "split"])
def test_every_view_shows_itself(run, view):
    assert fallback(getattr(run, view)())


@pytest.mark.parametrize(
    ("file", "view"), [("pool", "pool"), ("pool", "over_time"), ("database", "waits"), ("database", "statements")]
)
def test_readings_that_are_missing_are_named_and_the_rest_is_shown(builder, file, view):
    opened = builder.experiment(builder.run("tuned")).runs[0]
    (opened.directory / f"{file}.parquet").unlink()
    shown = getattr(LabRun(opened), view)()
    assert any("not read" in text or "not counted" in text for text in shown.sentences)
    assert fallback(shown)


def test_the_heat_map_counts_every_request_once(run):
    assert run.heat_map().table["requests"].sum() == len(run.requests.frame)


def test_a_run_without_server_timings_says_so(builder):
    files = builder.run("tuned")
    for row in files.rows:
        row.update({name: None for name in row if name in ("queue_us", "app_us", "worker")})
    run = LabRun(builder.experiment(files).runs[0])
    assert "Server-Timing" in run.split().sentences[0]
    assert any("Server-Timing" in text for text in run.microscope(0, 1).sentences)

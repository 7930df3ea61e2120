"""Bands of percentiles: gaps, percentiles that an interval supports, and runs without a latency."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from lab.lab_run import LabRun
from lab.percentile_bands import add_bands, supported
from tests.lab.shown_parts import fallback
from workbench.errors import UserError


def intervals(*numbers: int) -> pd.DataFrame:
    """Intervals of a second with these numbers of successful responses, all with the same percentiles."""
    table = pd.DataFrame({"at_s": np.arange(len(numbers), dtype=float), "successful": numbers})
    for name, value in {"median_ms": 10.0, "p90_ms": 20.0, "p95_ms": 30.0, "p99_ms": 40.0}.items():
        table[name] = np.where(table["successful"] > 0, value, np.nan)
    return table


def drawn(table: pd.DataFrame) -> dict[str, go.Scatter]:
    made = make_subplots(rows=1, cols=1)
    add_bands(made, table, 1.0, 1)
    return {trace.name: trace for trace in made.data}


def test_a_percentile_takes_as_many_responses_as_make_it_more_than_the_slowest():
    table, lines = supported(intervals(100, 99, 10, 9, 0))
    assert list(table["p99_ms"].notna()) == [True, False, False, False, False]
    assert list(table["p90_ms"].notna()) == [True, True, True, False, False]
    assert list(table["median_ms"].notna()) == [True, True, True, True, False]
    (line,) = lines
    assert (
        "of 4 intervals: p90 in 1 (fewer than 10), p95 in 2 (fewer than 20), p99 in 3 (fewer than 100); a longer one"
        in line
    )


def test_with_enough_responses_nothing_is_left_out():
    table = intervals(100, 0, 5_000)
    kept, lines = supported(table)
    assert lines == []
    pd.testing.assert_frame_equal(kept, table)


def test_a_band_covers_each_interval_and_ends_at_a_gap():
    band = drawn(intervals(100, 100, 0, 100))["p50–p90"]
    parts = "".join("|" if x is None else "." for x in band.x)
    assert parts == "........|....|"  # two corners of each end of an interval
    assert list(band.x[:8]) == [0, 1, 1, 2, 2, 1, 1, 0]
    assert list(band.y[:8]) == [20, 20, 20, 20, 10, 10, 10, 10]
    assert set(band.x[9:13]) == {3, 4}


def test_the_line_of_the_median_has_a_gap_and_names_what_it_hides():
    median = drawn(intervals(150, 0))["median"]
    assert list(median.x) == [0, 1, 1, 2]
    assert np.isnan(median.y[2:]).all()
    assert median.customdata[0] == (
        "median 10.0 ms, p90 20.0 ms, p95 30.0 ms, p99 40.0 ms, 150 successful responses"
    )  # fmt: skip


def test_bands_without_an_interval_that_supports_them_are_not_drawn():
    table, _ = supported(intervals(5, 5))
    assert set(drawn(table)) == {"median"}


def test_a_longer_interval_has_more_percentiles(exp):
    run = exp.run("as-measured", "burst-50")
    table = run.over_time(interval_s=60).table
    assert list(table["successful"]) == [150]
    latencies = run.requests.frame["latency_ms"]
    assert table["p99_ms"][0] == pytest.approx(latencies.quantile(0.99))
    assert len(run.over_time().table) > 1


@pytest.mark.parametrize(
    ("interval_s", "message"),
    [(0, "above 0, not 0"), (-1, "not -1"), (float("nan"), "not nan"), (1e-6, "more than 1,000 intervals of 1e-06 s")],
)
def test_an_interval_that_makes_no_figure_is_refused(exp, interval_s, message):
    with pytest.raises(UserError, match=message):
        exp.run("as-measured", "burst-50").over_time(interval_s)


@pytest.mark.parametrize("requests", [0, 1, 150])
def test_a_run_without_a_success_has_no_latency_and_shows_the_rest(builder, requests):
    files = builder.run("tuned")
    files.rows = files.rows[:requests]
    for row in files.rows:
        row.update(ok=False, error="status 500", status=500)
    shown = LabRun(builder.experiment(files).runs[0]).over_time()
    expected = "so there is no latency" if requests else "has no rows"
    assert any(expected in text for text in shown.sentences) or "No request was sent." in shown.sentences
    names = {trace.name for trace in shown.figure.data}
    assert "worker 0" in names
    assert "median" not in names
    assert fallback(shown)

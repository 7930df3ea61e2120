"""The chart of a run that goes on, with the faults of its scenario."""

from lab import live_chart
from loadgen.run_seconds import Second
from workbench.fault_bands import Band

SECONDS = [Second(at_s, 40, 0, 5.0, 8.0, 9.0, 1, 1, 0) for at_s in range(100, 280)]


def test_a_fault_is_a_band_over_all_panels_and_leaves_with_its_seconds():
    chart = live_chart.chart()
    over, kept = Band("lock on bags", 20.0, 25.0), Band("PostgreSQL stopped", 150.0, 154.0)
    live_chart.update(chart, SECONDS, [over, kept])
    (band,) = chart.layout.shapes
    assert (band.x0, band.x1, band.y0, band.y1, band.yref) == (150.0, 154.0, 0, 1, "paper")
    assert band.label.text == "PostgreSQL stopped"
    assert list(chart.data[0].y) == [5.0] * 180


def test_without_seconds_there_is_no_band():
    chart = live_chart.chart()
    live_chart.update(chart, [], [Band("lock on bags", 20.0, 25.0)])
    assert len(chart.layout.shapes) == 0

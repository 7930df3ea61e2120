"""The sliders: p95 at once, capacity and curve in steps."""

import pytest

from lab import open_experiment
from lab.what_if_panel import GREY, PLAIN, WhatIfPanel
from tests.calibrated_runs import reported_python_ms, spend_cpu
from tests.lab.shown_parts import fallback


@pytest.fixture
def panel(exp) -> WhatIfPanel:
    return exp.what_if_panel("tuned")


def test_p95_comes_first_and_the_old_capacity_is_grey_until_the_new_one_is_known(panel):
    assert "20 users: p95" in panel._p95.value
    panel.settle()
    assert float(panel._capacity_text.layout.opacity) == PLAIN
    before = panel.capacity
    panel.sliders.move(round_trip_ms=20)
    assert float(panel._capacity_text.layout.opacity) == GREY
    assert panel.capacity == before
    panel.settle()
    assert panel.capacity < before
    assert f"up to about {panel.capacity:,.0f} users" in panel._capacity_text.value


def test_lines_are_solid_only_where_the_model_was_checked(panel):
    panel.settle()
    assert panel.checked == (20, 20)
    inside = [trace for trace in panel.figure.data if trace.meta == "inside"]
    assert {x for trace in inside for x, y in zip(trace.x, trace.y, strict=True) if y == y} == {20}
    assert all(len(trace.x) > 5 for trace in inside)
    points = [trace for trace in panel.figure.data if trace.mode == "markers"]
    assert {x for trace in points for x in trace.x} == {20}
    assert fallback(panel)


def test_a_set_up_that_was_never_measured_is_dotted_and_says_so(panel):
    panel.sliders.move(users=20, round_trip_ms=1)
    panel.settle()
    assert panel.checked is None
    assert "never measured" in panel.sentences[1]
    assert panel._headline.value.count("never measured") == 1
    lines = {meta: [trace for trace in panel.figure.data if trace.meta == meta] for meta in ("inside", "outside")}
    assert all(y != y for trace in lines["inside"] for y in trace.y)
    assert all(y == y for trace in lines["outside"] for y in trace.y)
    points = [trace for trace in panel.figure.data if trace.mode == "markers"]
    assert {trace.marker.symbol for trace in points} == {"circle-open"}
    panel.sliders.move(round_trip_ms=0)
    assert {trace.marker.symbol for trace in points} == {"circle"}
    assert panel.checked == (20, 20)


def test_settings_of_another_measured_deployment_have_its_points(builder):
    runs = [builder.run(deployment, "sustained-20") for deployment in ("tuned", "tuned-with-two-threads")]
    for run in runs:
        run.record["generator"]["cpu_ms"] = 0.0
        spend_cpu(run, "server", reported_python_ms(run))
    panel = open_experiment(builder.experiment(*runs).directory).what_if_panel("tuned")
    panel.sliders.move(threads=2)
    assert panel.checked == (20, 20)
    points = [trace for trace in panel.figure.data if trace.mode == "markers"]
    assert {name for trace in points for name in trace.text} == {"1-02-tuned-with-two-threads-sustained-20"}


def test_without_a_steady_run_the_panel_says_so(builder):
    other = open_experiment(builder.experiment(builder.run("tuned", "burst-50")).directory)
    shown = other.what_if_panel("tuned")
    assert "tuned has no valid run under a steady load" in shown.sentences[0]
    assert fallback(shown)

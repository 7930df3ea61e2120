"""The sliders: p95 at once, capacity and curve in steps."""

import pytest

from lab import open_experiment
from lab.what_if_panel import GREY, PLAIN, WhatIfPanel
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
    assert f"up to {panel.capacity:,.0f} users" in panel._capacity_text.value


def test_lines_are_solid_only_where_the_model_was_checked(panel):
    panel.settle()
    assert panel.checked == (20, 20)
    inside = [trace for trace in panel.figure.data if trace.meta == "inside"]
    assert all(y != y for trace in inside for y in trace.y)  # no load of the curve was measured
    points = [trace for trace in panel.figure.data if trace.mode == "markers"]
    assert {x for trace in points for x in trace.x} == {20}
    assert fallback(panel)


def test_without_a_steady_run_the_panel_says_so(builder):
    other = open_experiment(builder.experiment(builder.run("tuned", "burst-50")).directory)
    shown = other.what_if_panel("tuned")
    assert "tuned has no valid run under a steady load" in shown.sentences[0]
    assert fallback(shown)

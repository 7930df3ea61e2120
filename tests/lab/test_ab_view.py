"""The result of `%ab` on recordings whose content is known: what it says, shows, and lacks."""

import pytest

from lab.ab_view import AbView
from tests.analysis.compared import compared
from tests.lab.shown_parts import fallback

SCENARIO = "burst-50"


def test_the_verdict_comes_first_and_each_declared_metric_has_a_line(builder):
    view = AbView(compared(builder, {"base": 1.0, "head": 1.5}), SCENARIO)
    assert view.sentences[0].startswith("head against base, 2 comparisons: 2 worse;")
    assert view.sentences[1].startswith("Regression: duration under burst-50: head instead of base: 1.5")
    rows = view.table.set_index(["metric", "change"])
    assert rows.loc[("duration", "head"), "ratio"] == pytest.approx(1.5, rel=0.02)
    assert rows.loc[("mean latency", "head"), "verdict"] == "reported"
    assert view.table["verdict"].iloc[0] == "regression"
    assert view.why[0].table.set_index("part").loc["latency", "change_ms"] > 0
    assert view.sustained == []
    assert fallback(view)


def test_with_a_bound_each_arm_is_evaluated(builder):
    view = AbView(compared(builder, {"base": 1.0, "head": 1.0, "slow": 100.0}), SCENARIO, 2_000)
    verdicts = [line.rpartition(": ")[2].partition(" (")[0] for line in view.sentences[-3:]]
    assert verdicts == ["sustained", "sustained", "not sustained"]
    assert len(view.why) == 2
    assert any("What limited it: " in line for line in view.sustained[2].sentences)


def test_one_arm_alone_is_evaluated_and_not_compared(builder):
    view = AbView(compared(builder, {"application": 1.0}), SCENARIO, 60_000)
    assert "with nothing to compare it with" in view.sentences[0]
    assert view.effects.sentences[0] == "No metric has values of two arms."
    assert view.why == []
    assert fallback(view)


def test_arms_without_a_valid_run_are_named_and_the_rest_is_shown(builder):
    view = AbView(compared(builder, {"base": 1.0, "head": 1.0}, invalid=["head"]), SCENARIO, 60_000)
    assert "the measurement is invalid (0 of 4 blocks valid" in view.sentences[-1]
    assert list(view.percentiles.table["deployment"].unique()) == ["base"]
    assert fallback(view)


def test_without_any_valid_run_that_is_said(builder):
    nothing = AbView(compared(builder, {"base": 1.0, "head": 1.0}, invalid=["base", "head"]), SCENARIO)
    assert nothing.percentiles.sentences[0] == "No arm has a valid run."
    assert fallback(nothing)


def test_an_application_without_server_timings_has_no_waterfall_and_says_so(builder):
    experiment = compared(builder, {"base": 1.0, "head": 1.5})
    view = AbView(experiment, SCENARIO)
    parts = [name for name in experiment.by_endpoint.columns if name in ("queue_ms", "db_ms", "hash_ms")]
    experiment.by_endpoint[parts] = float("nan")
    assert view.why[0].sentences[0].startswith("No waterfall")
    assert view.why[0].figure is None
    assert fallback(view)


def test_without_a_valid_baseline_there_is_no_comparison(builder):
    view = AbView(compared(builder, {"base": 1.0, "head": 1.0}, invalid=["base"]), SCENARIO)
    assert view.why == []
    assert view.effects.table.empty
    assert "invalid" in view.sentences[0]

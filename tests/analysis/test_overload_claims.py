"""Findings on an overload: the verdicts on a deployment that refuses, and on one that collapses."""

import pytest

from analysis.findings import overload_claims
from analysis.findings.overload_claims import finding_id, share_id
from tests.analysis.overloads import admitted, collapsed, overloaded
from workbench.arms import BASELINE, LIMITED, OVERLOADS


@pytest.fixture
def findings(builder):
    """The findings by id of these outcomes by deployment, under every multiple."""

    def findings(outcomes, scenarios=()):
        runs = [overloaded(builder, name, scenario, outcome)
                for name, outcome in outcomes.items() for scenario in scenarios or OVERLOADS.values()]  # fmt: skip
        return {each.id: each for each in overload_claims.findings(builder.experiment(*runs))}

    return findings


def test_a_deployment_that_refuses_at_once_passes_and_one_that_collapses_fails(findings):
    found = findings({LIMITED: admitted, BASELINE: collapsed})
    for name in ("clean", "reads-p95", "logins-p95", "recovery"):
        assert found[finding_id(name, 5, LIMITED)].verdict == "pass"
        assert found[finding_id(name, 5, BASELINE)].verdict == "fail"
    assert found[finding_id("recovery", 5, BASELINE)].evidence == "never"
    assert found[finding_id("reads-p95", 5, BASELINE)].evidence == "no success"
    assert found[finding_id("goodput", 5, LIMITED)].effect == pytest.approx(100)
    assert found[finding_id("offered", 10, LIMITED)].effect == pytest.approx(1000)


def test_goodput_at_five_times_is_compared_with_the_largest(findings):
    found = findings({LIMITED: admitted})[share_id(LIMITED)]
    assert found.effect == pytest.approx(0.5)  # 100 of 200 at ten times, as one request in five is served
    assert found.verdict == "fail"
    assert found.bound == overload_claims.MIN_GOODPUT_SHARE


def test_without_five_times_the_share_is_not_measured(findings):
    assert findings({LIMITED: admitted}, ["overload-2"])[share_id(LIMITED)].verdict == "not measured"


def test_a_class_that_is_starved_fails(findings):
    def without_logins(piece, at_s, number):
        response_ms, fields = admitted(piece, at_s, number)
        return (1500.0, {}) if piece == 1 and not fields else (response_ms, fields)

    found = findings({LIMITED: without_logins}, ["overload-5"])
    assert found[finding_id("logins-kept", 5, LIMITED)].verdict == "fail"
    assert found[finding_id("reads-kept", 5, LIMITED)].verdict == "fail"
    assert found[finding_id("reads-p95", 5, LIMITED)].verdict == "fail"


def test_without_an_overload_there_are_no_findings(full):
    assert list(overload_claims.findings(full)) == []

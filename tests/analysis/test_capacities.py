"""Findings of capacity searches and of their predictions."""

import pytest

from analysis.findings.evaluation import evaluate as evaluate_all
from workbench.arms import BASELINE, BURST_50, TUNED


def by_kind(experiment, kind):
    return [finding for finding in evaluate_all(experiment) if finding.kind == kind]


@pytest.fixture
def searched(builder):
    """A burst, and a capacity search with one load that was sustained and one that was not."""
    slow = builder.run(TUNED, "open-16", slower=200)
    return builder.experiment(builder.run(BASELINE, BURST_50), probes=(builder.run(TUNED, "open-8"), slow))


def test_capacity_is_a_finding_with_its_bracket(searched):
    (finding,) = by_kind(searched, "capacity")
    assert (finding.verdict, finding.effect, finding.interval, finding.n) == ("reported", 8, (8, 16), 2)
    assert finding.claim == "capacity of tuned, requests/s"
    assert "the largest sustained load is 8; the smallest load that is not sustained: 16" in finding.evidence


@pytest.mark.parametrize(("capacity", "verdict"), [(12.0, "pass"), (16.0, "fail"), (4.0, "fail")])
def test_prediction_passes_inside_the_bracket(builder, searched, capacity, verdict):
    for run in searched.runs[1:]:
        builder.predict(searched, run, capacity=capacity)
    (finding,) = by_kind(searched, "prediction")
    assert (finding.verdict, finding.effect) == (verdict, capacity)
    assert finding.evidence == "measured 8–16, predicted from as-measured"


def test_prediction_without_an_end_of_the_bracket_is_inconclusive(builder):
    probes = (builder.run(TUNED, "open-8"),)
    experiment = builder.experiment(builder.run(BASELINE, BURST_50), probes=probes)
    builder.predict(experiment, experiment.runs[1])
    assert [finding.verdict for finding in by_kind(experiment, "prediction")] == ["inconclusive"]

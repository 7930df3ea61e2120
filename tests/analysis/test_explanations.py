"""Sentences about causes and capacities, and the findings that are made of them."""

import pytest

from analysis import bottleneck
from analysis.findings import explanations
from analysis.findings import finding as findings

BASE, OURS = "as-measured", "tuned"


def by_kind(experiment, kind):
    return {finding.id: finding for finding in findings.judge(experiment) if finding.kind == kind}


def searched(made):
    slow = made.run(OURS, "open-16", slower=200)
    return made.experiment(made.run(BASE, "burst-50"), probes=(made.run(OURS, "open-8"), slow))


def test_each_limit_is_a_finding_that_says_what_its_table_says(made):
    experiment = searched(made)
    found = by_kind(experiment, "cause")
    for run in explanations.limited(experiment):
        finding, limit = found[f"limit-{run.name}"], bottleneck.limit(run)
        used = {of.resource: of.utilisation for of in bottleneck.use(run)}
        assert finding.evidence == limit.sentence
        assert finding.effect == pytest.approx(used[limit.resource or max(used, key=lambda of: used[of] or 0)])
        assert f"{finding.effect:.1%}" in finding.evidence
        assert (finding.runs, finding.verdict) == ((run.name,), "told")


def test_the_smallest_load_that_did_not_hold_shows_a_limit(made):
    experiment = searched(made)
    assert [run.name for run in explanations.limited(experiment)] == ["1-01-as-measured-burst-50", "1-03-tuned-open-16"]


def test_growth_is_a_finding_and_without_both_loads_it_is_not_measured(made):
    both = made.experiment(made.run(BASE, "burst-25"), made.run(BASE, "burst-50"))
    found = by_kind(both, "cause")
    grown = bottleneck.growth(both, BASE, "burst-25", "burst-50")
    assert found["growth-as-measured"].effect == pytest.approx((grown["more_ms"] - grown["fewer_ms"]).mean())
    assert "waiting for a worker" in found["growth-as-measured"].evidence
    assert (found["growth-tuned"].verdict, found["growth-tuned"].effect) == ("not measured", None)


def test_a_capacity_is_a_finding_with_its_bracket(made):
    (finding,) = by_kind(searched(made), "capacity").values()
    assert (finding.verdict, finding.effect, finding.interval, finding.n) == ("told", 8, (8, 16), 2)
    assert finding.claim == "how many requests/s tuned holds"
    assert "it held 8; the smallest load that did not hold: 16" in finding.evidence


@pytest.mark.parametrize(("capacity", "verdict"), [(12.0, "pass"), (16.0, "fail"), (4.0, "fail")])
def test_a_prediction_is_a_finding_that_came_true_or_not(made, capacity, verdict):
    experiment = searched(made)
    for run in experiment.runs[1:]:
        made.foretell(experiment, run, capacity=capacity)
    (finding,) = by_kind(experiment, "prediction").values()
    assert (finding.verdict, finding.effect) == (verdict, capacity)
    assert finding.evidence == "measured 8–16, foretold from as-measured"


def test_without_an_end_of_the_bracket_a_prediction_is_undecided(made):
    experiment = made.experiment(made.run(BASE, "burst-50"), probes=(made.run(OURS, "open-8"),))
    made.foretell(experiment, experiment.runs[1])
    assert [finding.verdict for finding in by_kind(experiment, "prediction").values()] == ["undecided"]

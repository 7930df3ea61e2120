"""Findings that explain where the time of requests went."""

import pytest

from analysis import bottleneck
from analysis.findings import explanations
from analysis.findings.evaluation import evaluate as evaluate_all
from analysis.metrics.resource_use import resource_use
from workbench.arms import BASELINE, BURST_25, BURST_50, TUNED


def by_id(experiment):
    return {finding.id: finding for finding in evaluate_all(experiment) if finding.kind == "explanation"}


@pytest.fixture
def searched(builder):
    """A burst, and a capacity search with one load that was sustained and one that was not."""
    slow = builder.run(TUNED, "open-16", slower=200)
    return builder.experiment(builder.run(BASELINE, BURST_50), probes=(builder.run(TUNED, "open-8"), slow))


def test_saturated_resource_is_a_finding_with_the_values_of_its_table(searched):
    findings = by_id(searched)
    for run in explanations.runs_near_saturation(searched):
        finding, saturation = findings[f"limit-{run.name}"], bottleneck.find_bottleneck(run)
        utilisation = {use.resource: use.utilisation for use in resource_use(run)}
        busiest = max(utilisation, key=lambda resource: utilisation[resource] or 0)
        assert finding.evidence == saturation.sentence
        assert finding.effect == pytest.approx(utilisation[saturation.resource or busiest])
        assert f"{finding.effect:.1%}" in finding.evidence
        assert (finding.runs, finding.verdict) == ((run.name,), "reported")


def test_runs_near_saturation_contain_the_smallest_load_that_was_not_sustained(searched):
    names = [run.name for run in explanations.runs_near_saturation(searched)]
    assert names == ["1-01-as-measured-burst-50", "1-03-tuned-open-16"]


def test_tail_growth_without_both_loads_is_not_measured(builder):
    experiment = builder.experiment(builder.run(BASELINE, BURST_25), builder.run(BASELINE, BURST_50))
    findings = by_id(experiment)
    growth = bottleneck.tail_growth(experiment, BASELINE, BURST_25, BURST_50)
    mean_ms = (growth["more_ms"] - growth["fewer_ms"]).mean()
    assert findings["growth-as-measured"].effect == pytest.approx(mean_ms)
    assert "waiting for a worker" in findings["growth-as-measured"].evidence
    assert (findings["growth-tuned"].verdict, findings["growth-tuned"].effect) == ("not measured", None)

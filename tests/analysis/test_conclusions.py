"""Conclusions of a comparison of arms, on recordings whose content is known."""

import pytest

from analysis.arm_wording import verdict_sentence
from analysis.conclusions import conclusions, of_candidate
from analysis.findings.evaluation import evaluate
from tests.analysis.compared import compared
from workbench.declared_arms import declared


def verdicts(experiment):
    return {finding.id: finding.verdict for finding in conclusions(experiment)}


def test_each_declared_metric_of_each_arm_is_compared_with_the_baseline(builder):
    experiment = compared(builder, {"base": 1.0, "head": 1.5, "other": 1.0})
    assert verdicts(experiment) == {
        "burst-50-base-to-head-makespan_s": "regression",
        "burst-50-base-to-other-makespan_s": "equivalent",
        "burst-50-base-to-head-reads_p95_ms": "regression",
        "burst-50-base-to-other-reads_p95_ms": "equivalent",
    }
    assert {finding.kind for finding in conclusions(experiment)} == {"baseline"}


def test_an_arm_without_a_valid_run_is_invalid_and_names_the_reason(builder):
    experiment = compared(builder, {"base": 1.0, "head": 1.5}, invalid=("head",))
    (finding,) = conclusions(experiment)
    assert (finding.verdict, finding.id) == ("invalid", "burst-50-base-to-head-all-metrics")
    assert finding.evidence.startswith("no valid run of head: generator CPU")


def test_a_declared_metric_without_a_value_is_not_measured(builder):
    experiment = compared(builder, {"base": 1.0, "head": 1.0}, metrics=("makespan_s", "response_mean_ms"))
    assert verdicts(experiment)["burst-50-base-to-head-response_mean_ms"] == "not measured"


def test_the_findings_about_one_arm_are_those_of_the_whole_family(builder):
    findings = conclusions(compared(builder, {"base": 1.0, "head": 1.5, "head-2": 1.0}, metrics=("makespan_s",)))
    assert [each.id for each in of_candidate(findings, "base", "head")] == ["burst-50-base-to-head-makespan_s"]
    assert [each.id for each in of_candidate(findings, "base", "head-2")] == ["burst-50-base-to-head-2-makespan_s"]


def test_an_experiment_of_deployments_is_evaluated_as_before(builder):
    experiment = builder.experiment(builder.run(), builder.run("tuned"))
    assert conclusions(experiment) == evaluate(experiment)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (
            {"commit": "b" * 40, "dirty": True},
            "base is commit aaaaaaaaaa, head is commit bbbbbbbbbb with local changes;",
        ),
        (
            {"commit": "a" * 40, "dirty": False},
            "base is commit aaaaaaaaaa, head is commit aaaaaaaaaa, which is the same.",
        ),
        ({"commit": "b" * 40, "schema": "other"}, "they also differ in database schema."),
    ],
)
def test_the_sentence_has_verdicts_and_what_the_arms_are(builder, head, words):
    experiment = compared(builder, {"base": 1.0, "head": 1.5}, sources={"head": head})
    sentence = verdict_sentence(declared(experiment.record), conclusions(experiment))
    assert sentence.startswith("head against base, 2 comparisons: 2 worse; ")
    assert words in sentence

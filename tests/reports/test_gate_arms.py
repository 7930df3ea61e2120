"""`python -m reports gate --baseline ARM --candidate ARM` on a comparison of arms."""

import pytest

from analysis.conclusions import conclusions
from analysis.findings import findings_file
from tests.analysis.compared import compared


@pytest.fixture
def report(gate):
    """Write the findings of a comparison with arms of these relative times."""

    def write(slower, **options):
        experiment = compared(gate.builder, slower, **options)
        findings_file.write(conclusions(experiment), experiment, gate.html / "findings.json")

    return write


@pytest.mark.parametrize(
    ("arguments", "exit_code", "first"),
    [
        (("--candidate", "head"), 1, "fail: experiment made: 2 of 2 comparisons worse than the baseline"),
        (("--candidate", "same"), 0, "pass: experiment made: nothing worse than the baseline in 2 comparisons"),
    ],
)
def test_one_arm_is_decided_by_its_own_metrics(gate, report, arguments, exit_code, first):
    report({"base": 1.0, "head": 1.5, "same": 1.0})
    result = gate("--baseline", "base", *arguments)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (exit_code, first), result.output


def test_without_a_baseline_it_decides_on_all_arms(gate, report):
    report({"base": 1.0, "head": 1.5, "same": 1.0})
    result = gate()
    assert result.exit_code == 1
    assert result.stdout.startswith("fail: experiment made: 2 of 4 comparisons worse than the baseline\n")


def test_the_only_other_arm_is_the_candidate(gate, report):
    report({"base": 1.0, "head": 1.5})
    assert gate("--baseline", "base").exit_code == 1


def test_several_other_arms_have_to_be_named(gate, report):
    report({"base": 1.0, "head": 1.5, "same": 1.0})
    for arguments in ([], ["--candidate", "base"], ["--candidate", "nothing"]):
        result = gate("--baseline", "base", *arguments)
        assert (result.exit_code, "it has head, same" in result.stderr) == (2, True), result.output


def test_a_declared_metric_that_was_not_measured_keeps_an_arm_from_passing(gate, report):
    report({"base": 1.0, "head": 1.0}, metrics=("makespan_s", "response_mean_ms"))
    result = gate("--baseline", "base", "--candidate", "head")
    assert (result.exit_code, "1 of 2 comparisons not measured" in result.stdout) == (3, True), result.output


def test_an_arm_without_valid_runs_decides_nothing_and_names_the_reason(gate, report):
    report({"base": 1.0, "head": 1.0}, invalid=("head",))
    result = gate("--baseline", "base", "--candidate", "head")
    assert result.exit_code == 3
    assert "no valid run of head: generator CPU" in result.stdout


def test_an_arm_that_is_not_the_declared_baseline_decides_nothing(gate, report):
    report({"base": 1.0, "head": 1.5})
    result = gate("--baseline", "head", "--candidate", "base")
    assert (result.exit_code, "declared no primary metric of base" in result.stdout) == (3, True), result.output

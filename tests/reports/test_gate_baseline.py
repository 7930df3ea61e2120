"""`python -m reports gate --baseline`: another experiment, or another deployment of the same one."""

import pytest

from tests.builders import ENVIRONMENT
from tests.reports.gated import BROKEN, PRIMARY, blocks, speedup
from workbench.arms import BASELINE, TUNED


@pytest.fixture
def stored(gate):
    """Write a stored experiment of four blocks, on a machine with these facts."""

    def write(**facts):
        runs = blocks(gate.builder, BASELINE, TUNED)
        for run in runs:
            run.record["environment"] = ENVIRONMENT | facts
        return gate.builder.experiment(*runs, name="stored", primary_metrics=PRIMARY).directory

    return write


def test_the_same_again_passes(gate, stored):
    stored()
    gate.report(*blocks(gate.builder, BASELINE, TUNED))
    result = gate("--baseline", "stored")
    assert result.exit_code == 0, result.stdout
    first = "pass: experiment made: the 1 objective is met, nothing worse than the baseline in 6 comparisons"
    assert result.stdout.splitlines()[0].startswith(first)
    summary = (gate.html / "summary.md").read_text()
    assert "### Changes against the baseline" in summary
    assert "| duration under burst-50 on tuned | 1.000 (" in summary


def test_a_regression_fails_and_its_cause_is_in_the_summary(gate, stored):
    stored()
    gate.report(*blocks(gate.builder, BASELINE, TUNED, slower=2))
    result = gate("--baseline", "stored")
    assert result.exit_code == 1
    assert "4 of 6 comparisons worse than the baseline" in result.stdout.splitlines()[0]
    cause = (gate.html / "summary.md").read_text().partition("### Cause")[2]
    assert "- duration under burst-50 on tuned: 2.00 (" in cause
    assert "mean latency 2.00" in cause


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"cpu_model": "another processor"}, "was measured on another machine and decides nothing"),
        ({"machine_id": "0123456789abcdef"}, "was measured on another machine and decides nothing"),
    ],
    ids=["model", "installation"],
)
def test_a_baseline_of_another_machine_decides_nothing_even_beside_a_broken_objective(gate, stored, facts, problem):
    gate.objectives(speedup(BROKEN))
    stored(**facts)
    runs = blocks(gate.builder, TUNED)
    for run in runs:
        run.record["environment"] = ENVIRONMENT | {"machine_id": "fedcba9876543210"}
    gate.report(*runs)
    result = gate("--baseline", "stored")
    assert (result.exit_code, problem in result.stdout.splitlines()[0]) == (3, True), result.stdout
    assert result.stdout.startswith("invalid: ")


def test_a_baseline_that_was_changed_decides_nothing(gate, stored):
    gate.report(gate.builder.run(TUNED))
    path = stored() / "1-02-tuned-burst-50" / "requests.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    result = gate("--baseline", "stored")
    assert result.exit_code == 3
    assert result.stdout.startswith("invalid: experiment stored is not as it was recorded\n1-02-tuned-burst-50: ")


def test_a_baseline_that_there_is_not_is_wrong_usage(gate):
    gate.report(gate.builder.run(), gate.builder.run(TUNED))
    for arguments, message in (
        (["--baseline", ""], "--baseline is empty"),
        (["--baseline", "nowhere"], "--baseline nowhere is neither an experiment nor a deployment of made"),
        (["--baseline", "made"], "--baseline made is the experiment of the report itself"),
        (["--baseline", TUNED], "--candidate tuned is no other deployment of made; it has as-measured"),
        (["--baseline", BASELINE, "--candidate", "x"], "--candidate x is no other deployment of made; it has tuned"),
    ):
        result = gate(*arguments)
        assert (result.exit_code, message in result.stderr) == (2, True), result.output


def test_another_deployment_of_the_same_experiment_is_compared_by_block(gate):
    gate.report(*blocks(gate.builder, BASELINE, TUNED))
    for baseline, candidate, code in ((BASELINE, TUNED, 0), (TUNED, BASELINE, 1)):
        result = gate("--baseline", baseline, "--candidate", candidate)
        assert result.exit_code == code, result.stdout
        row = f"| duration under burst-50: {candidate} instead of {baseline} | "
        assert row in (gate.html / "summary.md").read_text()

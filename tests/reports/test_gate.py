"""`python -m reports gate`: its exit codes and its first line, and what it does not trust."""

import json
import sys

import pytest

import reports.__main__
from tests.builders import reseal, seal_experiment
from tests.reports.gated import BROKEN, MET, Gate, blocks, speedup, use_objectives
from workbench.arms import BASELINE, TUNED


def first_line(result):
    return result.stdout.splitlines()[0]


def decision(result):
    """The exit code and the first line, without what is open beside it."""
    return result.exit_code, first_line(result).partition(" (but ")[0]


def test_objectives_that_are_all_met_pass(gate):
    gate.report(*blocks(gate.builder, BASELINE, TUNED))
    result = gate()
    assert (result.exit_code, result.stdout) == (0, "pass: experiment made: the 1 objective is met\n"), result.output
    assert (gate.html / "summary.md").read_text().startswith("**pass**: experiment made: the 1 objective is met\n")


def test_a_broken_objective_fails_and_is_named(gate):
    gate.objectives(speedup(BROKEN) + speedup(MET, "second"))
    gate.report(gate.builder.run(), gate.builder.run(TUNED))
    result = gate()
    assert decision(result) == (1, "fail: experiment made: 1 of 2 objectives not met")
    _, second = result.stdout.splitlines()
    assert second == (
        "fail: duration at least 21 times shorter than on as-measured, burst-50 on tuned: duration 20.0 times shorter "
        "(no interval, 1 block)"
    )


def test_an_objective_that_was_not_measured_is_inconclusive(gate):
    gate.objectives(speedup(MET) + speedup(MET, "second", "as-claimed"))
    gate.report(gate.builder.run(), gate.builder.run(TUNED))
    assert decision(gate()) == (3, "inconclusive: experiment made: 1 of 2 objectives not measured")


def test_an_objective_with_invalid_runs_only_is_inconclusive_and_named_with_the_reason(gate):
    gate.report(gate.builder.run(), gate.builder.run(TUNED).invalid("dispatch lag p99: 9 ms, allowed 5"))
    result = gate()
    assert result.exit_code == 3
    assert first_line(result).startswith("inconclusive: experiment made: 1 of 1 objective invalid (but 1 of 2 runs not")
    assert "dispatch lag p99: 9 ms, allowed 5" in result.stdout


def test_a_broken_objective_fails_also_where_another_was_not_measured(gate):
    gate.objectives(speedup(BROKEN) + speedup(MET, "second", "as-claimed"))
    gate.report(gate.builder.run(), gate.builder.run(TUNED))
    reason = "1 of 2 objectives not met, 1 of 2 objectives not measured"
    assert decision(gate()) == (1, f"fail: experiment made: {reason}")


def test_a_pass_names_what_is_open_beside_it(gate):
    runs = blocks(gate.builder, BASELINE, TUNED, spread=(1.0, 1.01))
    gate.report(*runs, gate.builder.run(block=2).invalid())
    result = gate()
    assert result.exit_code == 0
    assert first_line(result).startswith("pass: experiment made: the 1 objective is met (but ")
    assert "inconclusive" in first_line(result)
    assert "1 of 5 runs not valid" in first_line(result)


def test_without_any_objective_nothing_is_decided(gate):
    gate.objectives("")
    gate.report(gate.builder.run(), gate.builder.run(TUNED))
    assert decision(gate()) == (3, "inconclusive: experiment made: there is no objective to meet")


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A recorded experiment that breaks its objective, with its findings, the one of the objective as the last."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("broken")
        made = Gate(folder, use_objectives(patch, folder / "objectives.toml"))
        made.objectives(speedup(BROKEN))
        directory = made.report(made.builder.run(), made.builder.run(TUNED))
        made.edit(lambda content: content["findings"].sort(key=lambda finding: finding["kind"] == "objective"))
        return directory


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda content: content["findings"][-1].update(verdict="pass"), "verdict is 'pass' in the file, and"),
        (lambda content: content["findings"].pop(), "0 findings in the file, 1 by the records"),
        (
            lambda content: content["findings"].append(content["findings"][0]),
            "2 findings in the file, 1 by the records",
        ),
        (
            lambda content: content["findings"][0].update(evidence="all is well"),
            "evidence is 'all is well' in the file",
        ),
        (lambda content: content["findings"][0].update(n=40), "n is 40 in the file, and"),
        (lambda content: content.update(digest="0" * 64), "the SHA-256 of experiment.json is"),
        (lambda content: content.update(digest=None), "findings.json has no digest"),
        (lambda content: content.update(experiment="other"), "is not an experiment"),
        (lambda content: content.update(schema_version=1), "holds no findings of this version"),
    ],
    ids=["verdict", "removed", "twice", "evidence", "n", "digest", "no digest", "experiment", "version"],
)
def test_findings_that_were_edited_decide_nothing(gate, broken, edit, problem):
    gate.objectives(speedup(BROKEN))
    gate.copy(broken)
    gate.edit(edit)
    result = gate()
    assert (result.exit_code, problem in result.stdout) == (3, True), result.stdout
    assert first_line(result).startswith("invalid: ")
    assert (gate.html / "summary.md").read_text().startswith("**invalid**: ")


def test_rows_that_were_changed_decide_nothing(gate):
    directory = gate.report(gate.builder.run(), gate.builder.run(TUNED))
    path = directory / "1-02-tuned-burst-50" / "requests.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    result = gate()
    assert result.exit_code == 3
    assert first_line(result) == "invalid: experiment made is not as it was recorded"
    assert "1-02-tuned-burst-50: requests.parquet was changed" in result.stdout


def test_a_record_that_was_changed_and_sealed_anew_decides_nothing(gate):
    directory = gate.report(gate.builder.run(), gate.builder.run(TUNED).invalid())
    run = directory / "1-02-tuned-burst-50"
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"valid": True, "reasons": []}))
    reseal(run)
    result = gate()
    assert (result.exit_code, "the SHA-256 of experiment.json is" in result.stdout) == (3, True)


def test_an_experiment_that_is_not_complete_or_not_sealed_decides_nothing(gate):
    directory = gate.report(gate.builder.run(), gate.builder.run(TUNED))
    record = json.loads((directory / "experiment.json").read_text())
    seal_experiment(directory, record | {"runs": [*record["runs"], {"run": "1-03-tuned-burst-50"}]})
    assert first_line(gate()).startswith("invalid: experiment made is not complete; resume it with: make report")
    old = {name: value for name, value in record.items() if name not in ("files", "format")}
    (directory / "experiment.json").write_text(json.dumps(old))
    (directory / "seal.json").unlink()
    assert "is older than seals" in gate().stdout


def test_the_report_of_another_experiment_is_named(gate):
    first = gate.report(gate.builder.run(), gate.builder.run(TUNED))
    gate.report(gate.builder.run(), gate.builder.run(TUNED), name="second")
    result = gate("--experiment", str(first))
    assert (result.exit_code, result.stdout) == (
        3,
        "invalid: the built report is that of second, not of made; run make render EXPERIMENT=made\n",
    )
    assert gate("--experiment", "second").exit_code == 0


@pytest.mark.parametrize("content", ["", '{"experiment": "made", "findings": [{"id"', "{}", "[]"])
def test_a_damaged_report_is_one_line(gate, content):
    gate.html.mkdir()
    (gate.html / "findings.json").write_text(content)
    result = gate()
    message = f"invalid: {gate.html / 'findings.json'} holds no findings of this version; run make render\n"
    assert (result.exit_code, result.stdout) == (3, message)


def test_without_a_report_there_is_one_line_and_no_folder(gate):
    result = gate()
    assert (result.exit_code, result.stdout) == (3, "invalid: there is no findings.json yet; run make report first\n")
    assert not gate.html.exists()


def test_the_command_ends_with_the_same_line_and_code(gate, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reports", "gate", "--output", str(gate.html)])
    with pytest.raises(SystemExit) as end:
        reports.__main__.command()
    assert end.value.code == 3
    assert capsys.readouterr().out == "invalid: there is no findings.json yet; run make report first\n"

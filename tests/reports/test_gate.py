"""`python -m reports gate`: the exit code for the objectives of the built report."""

import json
import sys

import pytest
from click.testing import CliRunner

import reports.__main__
from reports.__main__ import main


def finding(name, verdict, kind="objective"):
    return {
        "id": name, "kind": kind, "claim": f"the claim of {name}", "verdict": verdict, "evidence": "as measured",
        "effect": None, "n": 1, "runs": ["1-01-tuned-burst-50"], "command": "", "interval": None, "level": None,
    }  # fmt: skip


@pytest.fixture
def gate(tmp_path):
    """The gate on a report with these findings."""

    def run(*findings):
        content = {"experiment": "made", "findings": list(findings)}
        (tmp_path / "findings.json").write_text(json.dumps(content))
        return CliRunner().invoke(main, ["gate", "--output", str(tmp_path)])

    return run


def test_objectives_that_are_all_met_pass(gate):
    result = gate(finding("tuned-burst", "pass"), finding("tuned-success", "pass"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "all objectives of experiment made are met\n"


@pytest.mark.parametrize("verdict", ["fail", "not measured"])
def test_one_objective_that_fails_or_was_not_measured_fails_the_gate(gate, verdict):
    result = gate(finding("tuned-burst", "pass"), finding("tuned-success", verdict))
    assert result.exit_code == 1
    assert result.stdout == f"{verdict}: the claim of tuned-success: as measured\n"
    assert result.stderr == "Error: 1 objective of experiment made is not met\n"


def test_every_objective_that_fails_is_named(gate):
    result = gate(finding("tuned-burst", "fail"), finding("tuned-success", "not measured"))
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == "Error: 2 objectives of experiment made are not met\n"


def test_the_published_checklist_does_not_fail_the_gate(gate):
    assert gate(finding("local", "fail", kind="checklist"), finding("tuned-burst", "pass")).exit_code == 0


def test_a_report_without_objectives_passes_nothing(gate):
    result = gate(finding("local", "pass", kind="checklist"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "holds no objective" in result.stderr


def test_without_a_report_there_is_one_line(tmp_path):
    result = CliRunner().invoke(main, ["gate", "--output", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: there is no findings.json yet; run make report first\n"


def test_the_command_ends_with_the_same_line_and_code(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reports", "gate", "--output", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        reports.__main__.command()
    assert end.value.code == 1
    assert capsys.readouterr() == ("", "Error: there is no findings.json yet; run make report first\n")


@pytest.mark.parametrize("content", ["", '{"experiment": "made", "findings": [{"id"', "{}", "[]"])
def test_a_damaged_report_is_one_line(tmp_path, content):
    path = tmp_path / "findings.json"
    path.write_text(content)
    result = CliRunner().invoke(main, ["gate", "--output", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {path} holds no findings of this version; run make render\n"

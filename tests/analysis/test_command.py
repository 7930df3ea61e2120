"""`python -m analysis show|compare|history`: what a person reads, and what is refused."""

import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from analysis.__main__ import main
from analysis.cli import compare_command
from workbench.paths import REPOSITORY

BURST = "made/1-01-as-measured-burst-50"


@pytest.fixture
def terminal(tmp_path):
    """The command as a process of its own, on the data of the test."""

    def run(*arguments):
        command = [sys.executable, "-m", "analysis", *arguments]
        environ = {**os.environ, "TRACETRACK_DATA_DIR": str(tmp_path)}
        return subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The same in this process, which is faster."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(main, arguments)


def figures(output):
    """The rows of a printed table: name to numbers."""
    rows = re.findall(r"^(login|dashboard|search|scan)((?: +[\d.]+|NaN)+)$", output, re.MULTILINE)
    return {name: [float(number) for number in numbers.split()] for name, numbers in rows}


def require_refused(result, *words):
    assert (getattr(result, "returncode", None) or result.exit_code) == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert all(word in lines[0] for word in words), lines[0]


def test_a_run_is_shown_with_the_figures_of_its_rows(made, terminal):
    experiment = made.experiment(made.run("as-measured", "single", slower=1.5))
    result = terminal("show", f"made/{experiment.runs[0].name}")
    assert (result.returncode, result.stderr) == (0, "")
    first, second, *_ = result.stdout.splitlines()
    assert first == "as-measured under single, complete, valid"
    assert second == "90 measured requests in 8.32 s (closed load)"
    assert figures(result.stdout) == {
        "login": [30, *[150.0] * 8], "dashboard": [30, *[120.0] * 8], "search": [30, *[7.5] * 8],
    }  # fmt: skip
    assert "  generator CPU, share of one core: 10.0% (at most 80.0%) holds" in result.stdout.splitlines()
    assert "  dispatch lag p99, ms" not in result.stdout


def test_an_open_run_is_shown_from_the_send_and_from_when_it_was_due(made, terminal):
    late = made.run("tuned", "open-20")
    for row in late.rows:
        row["scheduled_us"] -= 50_000
        row["response_us"] += 50_000
    late.record["generator"]["dropped"] = {"warmup": 1, "measure": 7}
    experiment = made.experiment(late)
    said = terminal("show", f"made/{experiment.runs[0].name}").stdout
    assert "(open load)" in said
    assert "7 requests that were due could not be sent" in said
    measured = experiment.runs[0].measured.groupby("endpoint")["latency_ms"].median()
    for name, (_, latency, *_, response, _, _, _) in figures(said).items():
        assert latency == pytest.approx(measured[name], abs=0.06)
        assert response == pytest.approx(latency + 50, abs=0.11)


def test_runs_of_one_scenario_with_other_fields_are_not_compared(made, command):
    changed = made.run("tuned")
    changed.record["scenario"]["users"] = 49
    made.experiment(made.run(), changed)
    require_refused(command("compare", BURST, "made/1-02-tuned-burst-50"), "the loads differ in users")


def test_a_run_is_named_by_its_folder_too(made, command):
    experiment = made.experiment(made.run())
    assert command("show", str(experiment.runs[0].directory)).stdout == command("show", BURST).stdout


def test_an_invalid_run_is_shown_with_its_reasons(made, command):
    made.experiment(made.run().invalid("rows missing against the scenario: 3, allowed 0"))
    result = command("show", BURST)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        "as-measured under burst-50, complete, not valid: rows missing against the scenario: 3, allowed 0"
    )


def test_a_run_that_was_cut_off_is_shown_with_a_warning(made, command):
    made.experiment(made.run().cut_off())
    result = command("show", BURST)
    assert result.exit_code == 0
    assert result.stderr == "warning: 1-01-as-measured-burst-50 is cut off\n"
    assert "cut off, not valid: it never came to its end" in result.stdout
    assert figures(result.stdout)["login"][:2] == [50, 2550]


def test_a_run_without_load_is_shown_with_what_the_application_said(made, command):
    run = made.run("as-advised-at-default", "start")
    made.experiment(run)
    result = command("show", "made/1-01-as-advised-at-default-start")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "as-advised-at-default under start, complete, valid",
        f"the application did not start: {run.record['outcome']['said']}",
    ]


@pytest.mark.parametrize("name", ["made/nothing", "nothing/at-all", ""])
def test_what_is_no_run_is_refused(made, command, name):
    made.experiment(made.run())
    require_refused(command("show", name), "is not a run", "python -m analysis history")


def test_two_runs_are_compared_by_endpoint_and_makespan(made, command):
    experiment = made.experiment(made.run(), made.run("tuned", slower=2))
    result = command("compare", *(f"made/{run.name}" for run in experiment.runs))
    assert (result.exit_code, result.stderr) == (0, "")
    assert figures(result.stdout) == {
        "login": [2550, 255, 0.1],
        "dashboard": [4490, 449, 0.1],
        "search": [2087.5, 208.75, 0.1],
    }
    assert "A: as-measured under burst-50\nB: tuned under burst-50\n" in result.stdout
    assert result.stdout.endswith("makespan B/A: 0.100 (no interval: one run each)\n")


def blocks(made, name, slower=1.0):
    runs = [made.run(deployment, block=n, slower=slower * s) for deployment in ("as-measured", "tuned")
            for n, s in enumerate((1.0, 1.01, 0.99, 1.0))]  # fmt: skip
    return made.experiment(*runs, name=name)


def test_two_experiments_are_compared_with_verdicts(made, command):
    blocks(made, "old")
    blocks(made, "new", slower=0.5)
    result = command("compare", "old", "new")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("A: old\nB: new\n")
    assert "duration, burst-50 (the same within 10%):" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines() if line.split()[:2] == ["tuned", "0.500"]]
    assert {line[4] for line in lines} == {"gain"}


def test_a_baseline_that_is_kept_passes_and_one_that_is_lost_fails(made, command):
    blocks(made, "old")
    blocks(made, "same", slower=1.001)
    blocks(made, "slow", slower=1.5)
    assert command("compare", "old", "same", "--baseline").exit_code == 0
    result = command("compare", "old", "slow", "--baseline")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: slow is worse than old: ")
    assert "duration of as-measured under burst-50 1.50 (" in result.stderr
    assert "duration, burst-50" in result.stdout


def test_a_baseline_is_lost_where_nothing_is_right_any_more_however_fast(made, command):
    blocks(made, "old")
    runs = [made.run(deployment, block=n, slower=0.1) for deployment in ("as-measured", "tuned") for n in range(4)]
    for row in (row for run in runs if run.record["deployment"]["name"] == "tuned" for row in run.rows):
        row |= {"ok": False, "status": 500, "error": "status 500"}
    made.experiment(*runs, name="dead")
    result = command("compare", "old", "dead", "--baseline")
    assert result.exit_code == 1
    assert "dead is worse than old: share of right answers of tuned under burst-50 0 (4 blocks" in result.stderr


def test_a_baseline_is_not_kept_by_what_was_not_run_or_cannot_be_judged(made, command):
    blocks(made, "old")
    made.experiment(*(made.run(block=n) for n in range(4)), name="half")
    result = command("compare", "old", "half", "--baseline")
    assert (result.exit_code, "has no valid run of tuned under burst-50" in result.stderr) == (1, True)
    made.experiment(made.run(), made.run("tuned"), name="once")
    made.experiment(made.run(), made.run("tuned"), name="again")
    result = command("compare", "once", "again", "--baseline")
    assert (result.exit_code, "nothing can be judged: it takes 4 blocks" in result.stderr) == (1, True)


def test_an_arm_under_another_load_of_the_same_name_is_left_out(made, command):
    blocks(made, "old")
    runs = [made.run(deployment, block=n) for deployment in ("as-measured", "tuned") for n in range(4)]
    for run in runs[4:]:
        run.record["scenario"] = run.record["scenario"] | {"duration_s": 7.0}
    made.experiment(*runs, name="new")
    result = command("compare", "old", "new")
    shown = {line.split()[0] for line in result.stdout.splitlines() if line}
    assert (result.exit_code, "tuned" in shown, "as-measured" in shown) == (0, False, True)
    assert "warning: tuned under burst-50 is left out: its loads differ in duration_s\n" in result.stderr
    result = command("compare", "old", "new", "--baseline")
    assert (result.exit_code, "has no valid run of tuned under burst-50 as old has it" in result.stderr) == (1, True)


def test_what_a_terminal_shows_of_two_experiments_is_one_frame_in_a_notebook(made):
    found, left_out = compare_command.compared(blocks(made, "old"), blocks(made, "new", slower=0.5))
    frame = compare_command.frame(found)
    assert not left_out
    row = frame.loc["burst-50", "duration", "tuned"]
    assert (row["ratio"], row["verdict"], row["blocks"]) == ("0.500", "gain", 4)


def test_one_run_each_is_no_baseline(made, command):
    experiment = made.experiment(made.run(), made.run(block=1))
    names = [f"made/{run.name}" for run in experiment.runs]
    require_refused(command("compare", *names, "--baseline"), "needs two experiments")


def test_a_run_and_an_experiment_are_not_compared(made, command):
    made.experiment(made.run())
    require_refused(command("compare", BURST, "made"), "one of", "is a run and the other an experiment")


def test_experiments_without_an_arm_in_common_are_not_compared(made, command):
    made.experiment(made.run(), name="one")
    made.experiment(made.run("tuned", "burst-25"), name="other")
    require_refused(command("compare", "one", "other"), "have no arm in common")
    made.experiment(made.run().invalid(), name="invalid")
    require_refused(command("compare", "one", "invalid"), "invalid has no complete, valid and readable run")
    require_refused(command("compare", "one", "one"), "both are one; there is nothing to compare")


def test_an_experiment_is_shown_with_all_of_its_runs(made, command):
    made.experiment(made.run(), made.run("tuned").invalid())
    result = command("show", "made")
    assert result.exit_code == 0
    assert "1 of 2 planned runs are complete, valid and readable" in result.stdout
    assert "1-02-tuned-burst-50" in result.stdout


def test_different_loads_are_not_compared(made, terminal):
    made.experiment(made.run(), made.run("as-measured", "burst-25"))
    result = terminal("compare", BURST, "made/1-02-as-measured-burst-25")
    require_refused(result, "burst-50 and burst-25 are different loads")


PLACES = [("cpu_model", "processor"), ("cpu_count", "number of cores"), ("postgresql", "version of PostgreSQL")]


@pytest.mark.parametrize(("what", "said"), PLACES)
def test_runs_of_different_machines_are_not_compared(made, command, what, said):
    other = made.run()
    other.record["environment"] = other.record["environment"] | {what: 64 if what == "cpu_count" else "another"}
    made.experiment(made.run())
    made.experiment(other, name="other")
    for names in ((BURST, BURST.replace("made", "other", 1)), ("made", "other")):
        require_refused(command("compare", *names), f"made on another {said}")


def test_runs_on_different_data_are_not_compared(made, command):
    other = made.run()
    other.record["dataset"] = other.record["dataset"] | {"scale": "production"}
    made.experiment(made.run())
    made.experiment(other, name="other")
    require_refused(command("compare", BURST, BURST.replace("made", "other", 1)), "made on another dataset")


def test_an_invalid_run_is_not_compared(made, command):
    experiment = made.experiment(made.run(), made.run(block=1).invalid("rows missing: 3, allowed 0"))
    names = [f"made/{run.name}" for run in experiment.runs]
    for pair in (names, names[::-1]):
        require_refused(command("compare", *pair), experiment.runs[1].name, "not valid (rows missing: 3, allowed 0)")


def test_a_run_that_was_cut_off_is_not_compared(made, command):
    made.experiment(made.run(), made.run(block=1).cut_off())
    result = command("compare", BURST, "made/2-02-as-measured-burst-50")
    assert (result.exit_code, result.stdout) == (1, "")
    warning, error = result.stderr.splitlines()
    assert warning == "warning: 2-02-as-measured-burst-50 is cut off"
    assert error.endswith("2-02-as-measured-burst-50 is not valid (it never came to its end) and cannot be compared")


def test_runs_without_load_are_not_compared(made, command):
    made.experiment(*(made.run("as-advised-at-default", "start", block=block) for block in (0, 1)))
    names = ("made/1-01-as-advised-at-default-start", "made/2-02-as-advised-at-default-start")
    require_refused(command("compare", *names), names[0].split("/")[1], "no measured requests")


def test_the_history_lists_the_experiments_and_warns_of_damaged_ones(made, command):
    made.experiment(made.run("tuned", "burst-25"), name="20260101-a")
    made.experiment(made.run("tuned", "burst-25").cut_off(), name="20260102-b", profile="full")
    record = made.experiment(made.run("tuned", "burst-25"), name="20260103-c").directory / "experiment.json"
    record.write_text(record.read_text()[:100])
    run = made.experiment(made.run("tuned", "burst-25"), name="20260104-d").runs[0].directory / "run.json"
    run.write_text("{}")
    result = command("history")
    assert result.exit_code == 0
    machine, head, *rows = result.stdout.splitlines()
    assert machine == "a processor, 1 cores, 8 GiB:"
    assert head.split()[:7] == ["began", "experiment", "commit", "profile", "scale", "status", "runs"]
    assert [row.split()[1:7] for row in rows] == [
        ["20260101-a", "0123456789", "quick", "small", "complete", "1"],
        ["20260102-b", "0123456789", "full", "small", "incomplete", "1"],
    ]
    warnings = result.stderr.splitlines()
    assert len(warnings) == 2
    assert all(line.startswith("warning: ") for line in warnings)
    assert str(record) in warnings[0]
    assert str(run) in warnings[1]


def test_an_empty_history_says_where_it_looked(command, tmp_path):
    result = command("history")
    assert (result.exit_code, result.stdout) == (0, f"no experiment in {tmp_path / 'runs'}\n")

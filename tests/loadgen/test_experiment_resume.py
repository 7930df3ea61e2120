"""Resuming an interrupted experiment, by the real command."""

import json
import shutil
import signal
import time

import pytest

from analysis.capacity import bracket
from loadgen.plan import make_plan
from loadgen.run_spec import run_name
from workbench import seal
from workbench.recording import open_experiment

SEED = 64  # short runs come first
PROBES = ["2-01-tuned-open-4", "3-01-tuned-open-8"]  # others follow if one of these is invalid
PLANNED = [run_name(spec) for spec in make_plan("smoke", None, SEED).specs]
FIRST, STOPPED, NEVER_STARTED, *LATER = PLANNED


@pytest.fixture(scope="module")
def directory(command):
    return command.data / "runs" / "mine"


@pytest.fixture(scope="module")
def interrupted(command, directory):
    """The error output of an experiment that is ended by Ctrl-C in its second run."""
    words = ("--profile", "smoke", "--seed", str(SEED), "--experiment", "mine")
    with command.start("experiment", *words) as process:
        deadline = time.monotonic() + 120
        while not (directory / STOPPED / "run.json").exists():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=90)  # PostgreSQL has half a minute to write its data
    assert (process.returncode, output) == (130, "")
    return errors


@pytest.fixture(scope="module")
def stopped(command, directory, interrupted):
    """The same experiment as if it had been stopped later: all runs but two are complete."""
    record = json.loads((directory / FIRST / "run.json").read_text())
    for run in LATER:
        shutil.copytree(directory / FIRST, directory / run)
        seal.write(directory / run / "run.json", json.dumps(record | {"run": run}))


@pytest.fixture(scope="module")
def before(directory, stopped):
    return {run: state(directory / run) for run in PLANNED if (directory / run).exists()}


@pytest.fixture(scope="module")
def resumed(command, before):
    return command.run("experiment", "--experiment", "mine", timeout=120)


def state(run):
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in run.iterdir()}


def refused(command, *words):
    finished = command.run("experiment", "--experiment", "mine", *words)
    assert finished.returncode == 1
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    return line


def test_the_interrupted_command_prints_how_to_resume(interrupted, directory):
    assert "Traceback" not in interrupted
    assert "experiment mine is not complete; resume it with: make report EXPERIMENT=mine" in interrupted.splitlines()
    assert json.loads((directory / "experiment.json").read_text())["status"] == "running"
    assert not open_experiment(directory).is_complete()


def test_resuming_with_another_profile_or_seed_is_refused(command, before, directory):
    line = refused(command, "--profile", "quick", "--seed", "2")
    assert f"was started with profile smoke and not quick, seed {SEED} and not 2" in line
    assert {run: state(directory / run) for run in before} == before


def test_resuming_with_other_code_is_refused(command, before, directory):
    path = directory / "experiment.json"
    content = path.read_text()
    record = json.loads(content)
    record["environment"] |= {"commit": "0123", "dirty": not record["environment"]["dirty"]}
    sealed = path.with_name("seal.json").read_text()
    seal.write(path, json.dumps(record))
    line = refused(command)
    path.write_text(content)
    path.with_name("seal.json").write_text(sealed)
    assert f"the runs of {directory} differ in commit and cannot be compared" in line
    assert {run: state(directory / run) for run in before} == before


def test_the_resumed_command_reports_what_it_reuses(resumed):
    assert (resumed.returncode, resumed.stdout) == (0, "mine\n"), resumed.stderr
    reused = f"{len(PLANNED) - 2} of {len(PLANNED)} runs are complete, 1 cut off and run again"
    assert f"experiment mine is resumed: {reused}" in resumed.stderr
    steps = [line for line in resumed.stderr.splitlines() if line.startswith("measuring: ") and "%" in line]
    assert len(steps) >= 2 + len(PROBES)
    assert "  0% " in steps[0]


def test_complete_runs_are_untouched(resumed, before, directory):
    reused = [FIRST, *LATER]
    assert {run: state(directory / run) for run in reused} == {run: before[run] for run in reused}


def test_a_run_that_was_cut_off_is_set_aside_and_run_again(resumed, before, directory):
    assert state(directory / f"{STOPPED}.stopped-1") == before[STOPPED]
    experiment = open_experiment(directory)
    assert experiment.is_complete()
    names = [run.name for run in experiment.runs]
    assert names[: len(PLANNED) + 1] == [*PLANNED, PROBES[0]]
    loads = [name.partition("-tuned-")[2] for name in names[len(PLANNED) :]]  # one is repeated while it is invalid
    assert list(dict.fromkeys(loads))[:2] == [name.partition("-tuned-")[2] for name in PROBES]
    assert experiment.record["resumed_after"] == [len(PLANNED) - 2]
    (repeated,) = (run for run in experiment.runs if run.name == STOPPED)
    assert (repeated.status, repeated.record["valid"]) == ("complete", True)


def test_a_complete_experiment_is_never_changed(command, resumed):
    assert "experiment mine exists already; recorded experiments are never changed" in refused(command)


def test_a_search_is_resumed_with_its_complete_probes(command, resumed, directory):
    record = json.loads((directory / "experiment.json").read_text())
    probes = [probe["run"] for probe in record["probes"]]
    seal.write(directory / "experiment.json", json.dumps(record | {"status": "running"}))
    first = directory / probes[0]
    for probe in probes[1:]:
        shutil.rmtree(directory / probe)
    before = state(first)
    load = 8 if json.loads((first / "run.json").read_text())["valid"] else 4
    finished = command.run("experiment", "--experiment", "mine", timeout=60)
    assert finished.returncode == 0, finished.stderr
    reused = f"{len(PLANNED) + 1} of {len(PLANNED) + len(probes)} runs are complete"
    assert f"experiment mine is resumed: {reused}" in finished.stderr
    steps = [line for line in finished.stderr.splitlines() if "%" in line]
    assert steps[0] == "measuring:   0% predicting tuned"
    assert steps[1].endswith(f"tuned open-{load}, block 3")  # others follow if it is invalid
    assert state(first) == before
    (result,) = bracket.capacity_results(open_experiment(directory))
    assert list(dict.fromkeys(probe.load for probe in result.probes))[:2] == [4, 8]

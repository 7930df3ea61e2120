"""Which interrupted experiments may be resumed, on experiments made by hand."""

import copy
import json

import pytest

from loadgen.resume import InterruptedExperiment
from workbench.errors import UserError

RUNS = ("1-01-tuned-reads", "1-02-tuned-reads-replicate", "1-03-tuned-single")
RECORD = {
    "experiment": "mine",
    "profile": "smoke",
    "scale": "small",
    "seed": 3,
    "status": "running",
    "runs": [{"run": run} for run in RUNS],
    "dataset": {"seed": 1, "fingerprint": "1234"},
    "environment": {
        "commit": "0123",
        "dirty": False,
        "kernel": "6.1",
        "packages": {"Flask": "3.1"},
        "cpu_model": "a processor",
        "cpu_count": 2,
        "memory_bytes": 2**33,
    },
}
NOTHING_REQUESTED = {"profile": None, "scale": None, "seed": None}


@pytest.fixture
def directory(tmp_path):
    """An experiment with one complete run, one that was aborted, and one that was never started."""
    path = tmp_path / "mine"
    path.mkdir()
    (path / "experiment.json").write_text(json.dumps(RECORD))
    add_run(path / RUNS[0], "complete")
    add_run(path / RUNS[1], "aborted")
    return path


def add_run(path, status):
    path.mkdir()
    record = {
        "deployment": {"name": "tuned", "settings": {}},
        "scenario": {"name": "start", "kind": "start"},  # whose run has no rows
        "block": 0,
        "status": status,
        "valid": None,
        "reasons": [],
        "environment": RECORD["environment"],
        "dataset": {},
    }
    (path / "run.json").write_text(json.dumps(record))


def content(directory):
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_open_without_a_directory_is_none(tmp_path):
    assert InterruptedExperiment.open(tmp_path / "mine") is None


def test_open_of_a_complete_experiment_is_refused(directory):
    (directory / "experiment.json").write_text(json.dumps(RECORD | {"status": "complete"}))
    with pytest.raises(UserError, match="experiment mine exists already; recorded experiments are never changed"):
        InterruptedExperiment.open(directory)


def test_open_of_an_unreadable_record_is_refused(directory):
    (directory / "experiment.json").write_text("{")
    with pytest.raises(UserError, match="not readable JSON"):
        InterruptedExperiment.open(directory)


def test_configuration_without_a_request_comes_from_the_record(directory):
    assert InterruptedExperiment.open(directory).configuration(NOTHING_REQUESTED) == {
        "profile": "smoke",
        "scale": "small",
        "seed": 3,
    }
    assert (
        InterruptedExperiment.open(directory).configuration(NOTHING_REQUESTED | {"profile": "smoke", "seed": 3})[
            "scale"
        ]
        == "small"
    )


def test_configuration_with_another_request_names_the_difference(directory):
    with pytest.raises(UserError) as refused:
        InterruptedExperiment.open(directory).configuration({"profile": "quick", "scale": "small", "seed": 0})
    assert "was started with profile smoke and not quick, seed 3 and not 0;" in refused.value.message


@pytest.mark.parametrize(
    ("section", "field", "value", "message"),
    [
        ("environment", "commit", "4567", "commit was 0123 and is 4567"),
        ("environment", "dirty", True, "dirty was False and is True"),
        ("environment", "packages", {"Flask": "3.2"}, "Flask was 3.1 and is 3.2"),
        ("environment", "packages", {"Flask": "3.1", "gevent": "26"}, "gevent was None and is 26"),
        ("dataset", "fingerprint", "5678", "dataset was 1234 and is 5678"),
    ],
)
def test_require_same_names_another_machine_code_version_or_dataset(directory, section, field, value, message):
    now = copy.deepcopy(RECORD)
    now[section][field] = value
    before = content(directory)
    with pytest.raises(UserError, match=f"experiment mine cannot be resumed: {message}; choose another name"):
        InterruptedExperiment.open(directory).require_same(now)
    assert content(directory) == before


def test_require_same_names_all_differences_in_one_line(directory):
    environment = RECORD["environment"] | {"kernel": "6.2", "commit": "4567"}
    with pytest.raises(UserError) as refused:
        InterruptedExperiment.open(directory).require_same(RECORD | {"environment": environment, "runs": []})
    differences = "commit was 0123 and is 4567, kernel was 6.1 and is 6.2, its profile has other runs now"
    assert differences in refused.value.message


def test_require_same_accepts_the_same_record(directory):
    InterruptedExperiment.open(directory).require_same(RECORD)


def test_resume_reuses_complete_runs_and_sets_aside_those_that_were_cut_off(directory, capsys):
    interrupted = InterruptedExperiment.open(directory)
    before = content(directory)
    record = interrupted.resume()
    assert [interrupted.keeps(run) for run in RUNS] == [True, False, False]
    assert record == RECORD | {"resumed_after": [1]}
    message = "experiment mine is resumed: 1 of 3 runs are complete, 1 cut off and run again\n"
    assert capsys.readouterr().err == message
    assert sorted(path.name for path in directory.iterdir()) == [RUNS[0], f"{RUNS[1]}.stopped-1", "experiment.json"]
    assert sorted(content(directory).values()) == sorted(before.values())


def test_resume_sets_aside_each_cut_off_run_under_another_name(directory):
    InterruptedExperiment.open(directory).resume()
    add_run(directory / RUNS[1], "running")
    InterruptedExperiment.open(directory).resume()
    (directory / RUNS[1]).mkdir()  # stopped before it had a record
    InterruptedExperiment.open(directory).resume()
    stopped = sorted(path.name for path in directory.glob("*.stopped-*"))
    assert stopped == [f"{RUNS[1]}.stopped-{number}" for number in (1, 2, 3)]


def test_a_run_that_was_stopped_by_hand_is_not_repeated(directory, capsys):
    record = json.loads((directory / RUNS[1] / "run.json").read_text())
    (directory / RUNS[1] / "run.json").write_text(json.dumps(record | {"stopped_by_hand": True}))
    interrupted = InterruptedExperiment.open(directory)
    assert [interrupted.keeps(run) for run in RUNS] == [True, True, False]
    assert interrupted.resume()["resumed_after"] == [2]
    assert capsys.readouterr().err == "experiment mine is resumed: 1 of 3 runs are complete, 1 stopped by hand\n"
    assert (directory / RUNS[1]).is_dir()


def test_resume_without_cut_off_runs_does_not_mention_them(directory, capsys):
    (directory / RUNS[1] / "run.json").unlink()
    (directory / RUNS[1]).rmdir()
    InterruptedExperiment.open(directory).resume()
    assert capsys.readouterr().err == "experiment mine is resumed: 1 of 3 runs are complete\n"

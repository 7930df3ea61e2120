"""What may go on and what may not, on experiments made by hand."""

import copy
import json

import pytest

from loadgen.resume import Begun
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
ASKED = {"profile": None, "scale": None, "seed": None}


@pytest.fixture
def directory(tmp_path):
    """An experiment with one complete run, one that was aborted, and one never begun."""
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
        "scenario": {"name": "reads", "kind": "single"},
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


def test_nothing_there_was_never_begun(tmp_path):
    assert Begun.find(tmp_path / "mine") is None


def test_what_is_complete_is_never_changed(directory):
    (directory / "experiment.json").write_text(json.dumps(RECORD | {"status": "complete"}))
    with pytest.raises(UserError, match="experiment mine exists already; recorded experiments are never changed"):
        Begun.find(directory)


def test_a_record_that_cannot_be_read_is_refused(directory):
    (directory / "experiment.json").write_text("{")
    with pytest.raises(UserError, match="not readable JSON"):
        Begun.find(directory)


def test_what_is_not_asked_comes_from_the_record(directory):
    assert Begun.find(directory).agreed(ASKED) == {"profile": "smoke", "scale": "small", "seed": 3}
    assert Begun.find(directory).agreed(ASKED | {"profile": "smoke", "seed": 3})["scale"] == "small"


def test_what_is_asked_otherwise_is_named(directory):
    with pytest.raises(UserError) as refused:
        Begun.find(directory).agreed({"profile": "quick", "scale": "small", "seed": 0})
    assert "was begun with profile smoke and not quick, seed 3 and not 0;" in refused.value.message


@pytest.mark.parametrize(
    ("place", "field", "value", "said"),
    [
        ("environment", "commit", "4567", "commit was 0123 and is 4567"),
        ("environment", "dirty", True, "dirty was False and is True"),
        ("environment", "packages", {"Flask": "3.2"}, "Flask was 3.1 and is 3.2"),
        ("environment", "packages", {"Flask": "3.1", "gevent": "26"}, "gevent was None and is 26"),
        ("dataset", "fingerprint", "5678", "dataset was 1234 and is 5678"),
    ],
)
def test_another_machine_code_version_or_dataset_is_named(directory, place, field, value, said):
    now = copy.deepcopy(RECORD)
    now[place][field] = value
    before = content(directory)
    with pytest.raises(UserError, match=f"experiment mine cannot go on: {said}; choose another name"):
        Begun.find(directory).require_same(now)
    assert content(directory) == before


def test_all_that_differs_is_named_in_one_line(directory):
    environment = RECORD["environment"] | {"kernel": "6.2", "commit": "4567"}
    with pytest.raises(UserError) as refused:
        Begun.find(directory).require_same(RECORD | {"environment": environment, "runs": []})
    others = "commit was 0123 and is 4567, kernel was 6.1 and is 6.2, its profile has other runs now"
    assert others in refused.value.message


def test_nothing_that_differs_may_go_on(directory):
    Begun.find(directory).require_same(RECORD)


def test_complete_runs_are_reused_and_cut_off_ones_kept_aside(directory, capsys):
    begun = Begun.find(directory)
    before = content(directory)
    record = begun.resume()
    assert [begun.has(run) for run in RUNS] == [True, False, False]
    assert record == RECORD | {"resumed_after": [1]}
    said = "experiment mine goes on: 1 of 3 runs are there, 1 that was cut off is run again\n"
    assert capsys.readouterr().err == said
    assert sorted(path.name for path in directory.iterdir()) == [RUNS[0], f"{RUNS[1]}.stopped-1", "experiment.json"]
    assert list(content(directory).values()) == list(before.values())


def test_each_that_was_cut_off_has_a_name_of_its_own(directory):
    Begun.find(directory).resume()
    add_run(directory / RUNS[1], "running")
    Begun.find(directory).resume()
    (directory / RUNS[1]).mkdir()  # stopped before it had a record
    Begun.find(directory).resume()
    stopped = sorted(path.name for path in directory.glob("*.stopped-*"))
    assert stopped == [f"{RUNS[1]}.stopped-{number}" for number in (1, 2, 3)]


def test_where_nothing_was_cut_off_nothing_is_said_of_it(directory, capsys):
    (directory / RUNS[1] / "run.json").unlink()
    (directory / RUNS[1]).rmdir()
    Begun.find(directory).resume()
    assert capsys.readouterr().err == "experiment mine goes on: 1 of 3 runs are there\n"

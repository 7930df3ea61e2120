"""Records of older formats open with the keys of today; one of a newer format is refused by name."""

import json

import pytest

from workbench.errors import RecordingError
from workbench.record_format import FORMAT
from workbench.recording import open_experiment, open_run

OLD_GENERATOR = {
    "requests": 150,
    "unsent": {"warmup": 0, "measure": 3},
    "begun": {"warmup": 0, "measure": 150},
    "raised": {"KeyError: 'bag'": 2},
    "marks": [],
}
OLD_GATES = [
    {"name": "users missing", "figure": 0, "threshold": 0, "passed": True},
    {"name": "dispatch lag p99, ms", "figure": 1.5, "threshold": 5.0, "passed": True},
]


def rewritten(path, **changed):
    """The record at this path with other fields; None removes one."""
    record = json.loads(path.read_text()) | changed
    path.write_text(json.dumps({name: value for name, value in record.items() if value is not None}))


@pytest.fixture
def old_run(builder):
    """A run as format 2 recorded it."""
    (run,) = builder.experiment(builder.run(replicate=True)).runs
    scenario = {("people" if name == "user_classes" else name): value for name, value in run.record["scenario"].items()}
    rewritten(
        run.directory / "run.json",
        format=2,
        replicate=None,
        again=True,
        scenario=scenario,
        generator=OLD_GENERATOR,
        gates=OLD_GATES,
        outcome={"started": False, "said": "over the connection budget"},
    )
    return run.directory


def test_a_run_of_format_2_opens_with_the_keys_of_today(old_run):
    run = open_run(old_run)
    assert run.replicate
    assert run.record["scenario"]["user_classes"] == "tracetrack"
    assert run.record["generator"] == {
        "requests": 150,
        "dropped": {"warmup": 0, "measure": 3},
        "started_tasks": {"warmup": 0, "measure": 150},
        "task_errors": {"KeyError: 'bag'": 2},
        "in_flight_marks": [],
    }
    assert run.record["outcome"] == {"started": False, "message": "over the connection budget"}
    assert [(gate["name"], gate["value"]) for gate in run.record["gates"]] == [
        ("users that did not start, or left early", 0),
        ("dispatch lag p99, ms", 1.5),
    ]


def test_a_run_of_an_older_format_says_its_format(old_run):
    assert open_run(old_run).record["format"] == 2
    assert "recorded in format 2" in repr(open_run(old_run))
    rewritten(old_run.parent / "experiment.json", format=None)
    assert f"recorded in format 1, read as format {FORMAT}" in repr(open_experiment(old_run.parent))


def test_a_recording_of_this_format_does_not_mention_it(builder):
    experiment = builder.experiment(builder.run())
    assert "format" not in repr(experiment) + repr(experiment.runs[0])


def test_an_experiment_of_format_2_opens_with_the_keys_of_today(builder):
    experiment = builder.experiment(builder.run())
    path = experiment.directory / "experiment.json"
    runs = [{"run": run.name, "again": True} for run in experiment.runs]
    rewritten(path, format=None, runs=runs, probes=[], unforeseen=["the base run is at its limit"])
    record = open_experiment(experiment.directory).record
    assert record["runs"] == [{"run": experiment.runs[0].name, "replicate": True}]
    assert record["prediction_failures"] == ["the base run is at its limit"]


@pytest.mark.parametrize(("opens", "name"), [(open_run, "run.json"), (open_experiment, "experiment.json")])
def test_a_newer_format_is_refused_with_the_version_that_reads_it(builder, opens, name):
    experiment = builder.experiment(builder.run())
    directory = experiment.directory if name == "experiment.json" else experiment.runs[0].directory
    rewritten(directory / name, format=FORMAT + 1)
    with pytest.raises(RecordingError) as excinfo:
        opens(directory)
    assert "\n" not in excinfo.value.message
    for text in (name, f"format {FORMAT + 1}", f"up to {FORMAT}", "the version that recorded it (commit 0123456789ab)"):
        assert text in excinfo.value.message


@pytest.mark.parametrize("content", ["2", "[]", '{"format": "three"}', '{"format": 2, "gates": 5, "generator": []}'])
def test_what_is_no_record_is_refused_in_any_format(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RecordingError, match="is not the record of a run"):
        open_run(tmp_path)

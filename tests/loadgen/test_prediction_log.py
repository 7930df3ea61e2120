"""Predictions that are written before the probes of a search, from a run of the plan."""

import json
from dataclasses import fields

import pytest

from analysis.capacity import predictions
from loadgen.prediction_log import PredictionLog
from loadgen.profile import Search
from loadgen.run_spec import RunSpec
from workbench.recording import open_run

BASE = ("as-measured", "sustained-20")


def spec(deployment, scenario, block=0, position=0):
    return RunSpec(deployment=deployment, scenario=scenario, scale="small", seed=1, block=block, position=position)


def search(deployment="as-measured-with-two-workers", family="open", base=BASE, **more):
    return Search(deployment, family, 8, base=base[0], base_scenario=base[1], warmup_s=1.0, duration_s=5.0, **more)


def prediction_log(builder, *runs):
    """The log of an experiment of these runs, the base first, and the experiment's directory."""
    runs = runs or (builder.run(*BASE),)
    for run in runs:
        run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    experiment = builder.experiment(*runs)
    specs = [spec(run.deployment, run.scenario, position=position) for position, run in enumerate(experiment.runs)]
    return PredictionLog(experiment.directory, specs), experiment.directory


def test_record_writes_the_prediction_with_its_base_and_changes(builder):
    log, directory = prediction_log(builder)
    log.record(search(), spec("as-measured-with-two-workers", "open-9", block=1))
    written = json.loads((directory / "predictions" / "2-01-as-measured-with-two-workers-open-9.json").read_text())
    assert written["base"] == "1-01-as-measured-sustained-20"
    assert written["changes"] == {"workers": [1, 2]}
    assert (written["load"], written["capacity"]) == (9.0, log.capacity(search()))
    assert set(written["p95_ms"]) == {"login", "dashboard", "search"}
    assert set(written) == {field.name for field in fields(predictions.PredictionRecord)}


def test_record_keeps_a_file_that_exists(builder):
    log, directory = prediction_log(builder)
    path = predictions.path_of(directory, "2-01-as-measured-with-two-workers-open-9")
    path.parent.mkdir()
    path.write_text("as it was")
    log.record(search(), spec("as-measured-with-two-workers", "open-9", block=1))
    assert path.read_text() == "as it was"
    assert list(path.parent.iterdir()) == [path]


def test_predictions_from_the_same_runs_are_the_same(builder):
    log, directory = prediction_log(builder)
    other = PredictionLog(directory, [spec(*BASE)])
    assert log.capacity(search()) == other.capacity(search())


def test_record_takes_the_time_of_a_hash_from_another_run_of_the_plan(builder):
    tuned, scrypt = builder.run("tuned", "sustained-20"), builder.run(*BASE)
    for row in scrypt.rows:
        row["hash_us"] = 60_000 if row["endpoint"] == "login" else None
    log, directory = prediction_log(builder, tuned, scrypt)
    searched = search("tuned-without-argon2", base=("tuned", "sustained-20"))
    log.record(searched, spec("tuned-without-argon2", "open-20", block=1))
    (written,) = (directory / "predictions").iterdir()
    assert json.loads(written.read_text())["p95_ms"]["login"] > 60
    assert open_run(directory / "1-01-tuned-sustained-20").measured["hash_ms"].max() < 10


@pytest.mark.parametrize(
    ("deployment", "changed", "reason"),
    [
        ("as-measured-with-no-pool", {}, "the model does not cover a change of pool"),
        ("tuned", {}, "the model does not cover a change of"),
        ("as-measured", {"valid": False, "reasons": ["it lagged"]}, "sustained-20 is not valid"),
    ],
)
def test_prediction_that_fails_is_reported_and_not_written(builder, capfd, deployment, changed, reason):
    run = builder.run(*BASE)
    run.record |= changed
    log, directory = prediction_log(builder, run)
    log.record(search(deployment), spec(deployment, "open-9", block=1))
    assert not (directory / "predictions").exists()
    (failure,) = log.failures
    assert failure.startswith(f"the capacity of {deployment}, open, cannot be predicted: ")
    assert reason in failure
    assert capfd.readouterr().err == f"{failure}\n"


def test_search_without_a_base_has_no_prediction(builder, capfd):
    log, _ = prediction_log(builder)
    assert log.capacity(Search("tuned", "open", 8)) is None
    assert capfd.readouterr().err == ""

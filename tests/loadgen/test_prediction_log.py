"""What is written down of a probe before it runs, from a run of the plan."""

import json
from dataclasses import fields

import pytest

from analysis.capacity import predictions
from loadgen.prediction_log import Foretelling
from loadgen.profiles import Search
from loadgen.record_writer import Order
from tests.builders import Builder
from workbench.recording import open_run

BASE = ("as-measured", "sustained-20")


@pytest.fixture
def made(tmp_path):
    return Builder(tmp_path / "runs")


def order(deployment, scenario, block=0, position=0):
    return Order(deployment=deployment, scenario=scenario, scale="small", seed=1, block=block, position=position)


def search(deployment="as-measured-with-two-workers", family="open", base=BASE, **more):
    return Search(deployment, family, 8, base=base[0], base_scenario=base[1], warmup_s=1.0, duration_s=5.0, **more)


def foretelling(made, *runs):
    """That of an experiment of these runs, the base first."""
    runs = runs or (made.run(*BASE),)
    for run in runs:
        run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    experiment = made.experiment(*runs)
    orders = [order(run.deployment, run.scenario, position=place) for place, run in enumerate(experiment.runs)]
    return Foretelling(experiment.directory, orders), experiment.directory


def test_a_prediction_is_written_with_what_it_was_made_of(made):
    found, directory = foretelling(made)
    found.note(search(), order("as-measured-with-two-workers", "open-9", block=1))
    written = json.loads((directory / "predictions" / "2-01-as-measured-with-two-workers-open-9.json").read_text())
    assert written["base"] == "1-01-as-measured-sustained-20"
    assert written["changes"] == {"workers": [1, 2]}
    assert (written["load"], written["capacity"]) == (9.0, found.capacity(search()))
    assert set(written["p95_ms"]) == {"login", "dashboard", "search"}
    assert set(written) == {field.name for field in fields(predictions.Foretold)}


def test_what_was_written_is_never_written_again(made):
    found, directory = foretelling(made)
    path = predictions.path_of(directory, "2-01-as-measured-with-two-workers-open-9")
    path.parent.mkdir()
    path.write_text("as it was")
    found.note(search(), order("as-measured-with-two-workers", "open-9", block=1))
    assert path.read_text() == "as it was"
    assert list(path.parent.iterdir()) == [path]


def test_the_same_runs_foretell_the_same(made):
    one, directory = foretelling(made)
    again = Foretelling(directory, [order(*BASE)])
    assert one.capacity(search()) == again.capacity(search())


def test_what_a_hash_takes_is_known_from_another_run_of_the_plan(made):
    tuned, scrypt = made.run("tuned", "sustained-20"), made.run(*BASE)
    for row in scrypt.rows:
        row["hash_us"] = 60_000 if row["endpoint"] == "login" else None
    found, directory = foretelling(made, tuned, scrypt)
    sought = search("tuned-without-argon2", base=("tuned", "sustained-20"))
    found.note(sought, order("tuned-without-argon2", "open-20", block=1))
    (written,) = (directory / "predictions").iterdir()
    assert json.loads(written.read_text())["p95_ms"]["login"] > 60
    assert open_run(directory / "1-01-tuned-sustained-20").measured["hash_ms"].max() < 10


@pytest.mark.parametrize(
    ("deployment", "changed", "said"),
    [
        ("as-measured-with-no-pool", {}, "what pool changes is not in the model"),
        ("tuned", {}, "is not in the model"),
        ("as-measured", {"valid": False, "reasons": ["it lagged"]}, "sustained-20 is not valid"),
    ],
)
def test_what_cannot_be_foretold_is_told_and_nothing_is_written(made, capfd, deployment, changed, said):
    run = made.run(*BASE)
    run.record |= changed
    found, directory = foretelling(made, run)
    found.note(search(deployment), order(deployment, "open-9", block=1))
    assert not (directory / "predictions").exists()
    (told,) = found.unforeseen
    assert told.startswith(f"the capacity of {deployment}, open, is not foretold: ")
    assert said in told
    assert capfd.readouterr().err == f"{told}\n"


def test_a_search_without_a_base_is_not_foretold(made, capfd):
    found, _ = foretelling(made)
    assert found.capacity(Search("tuned", "open", 8)) is None
    assert capfd.readouterr().err == ""

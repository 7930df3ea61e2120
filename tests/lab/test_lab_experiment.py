"""An experiment in the lab: its names, its runs, and one line for what it lacks."""

import pytest

from lab import open_experiment
from tests.lab.shown_parts import fallback, parts
from workbench.errors import RecordingError, UserError


def test_runs_have_a_light_each(exp, builder):
    assert set(exp.runs.table["valid"]) == {"● valid"}
    broken = open_experiment(builder.experiment(builder.run().invalid("the reason")).directory)
    assert list(broken.runs.table["valid"]) == ["○ the reason"]


def test_what_an_experiment_lacks_is_named(exp):
    with pytest.raises(RecordingError, match="no deployment 'tunde'; it has as-measured, tuned"):
        exp.change("as-measured", "tunde")
    with pytest.raises(RecordingError, match="no scenario 'burst-51'"):
        exp.effects("burst-51")
    with pytest.raises(RecordingError, match=r"no run in block 7; it has blocks 1, 2, 3, 4"):
        exp.run("tuned", "burst-50", block=7)
    with pytest.raises(RecordingError, match="no effect on 'speed' was measured"):
        exp.effects("burst-50", "speed")


def test_an_experiment_without_a_run_shows_itself(builder):
    empty = open_experiment(builder.experiment(not_started=("1-01-tuned-burst-50",)).directory)
    assert empty.runs.sentences[-1] == "It has no run yet."
    assert fallback(empty.runs)
    assert "not complete" in repr(empty)
    assert list(empty.table["valid"]) == [0]


def test_without_any_experiment_the_way_to_one_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    with pytest.raises(RecordingError, match=r"01-measure.ipynb measures one"):
        open_experiment()


def test_effects_have_a_row_for_each_change_and_for_identical_runs(exp):
    shown = exp.effects("burst-50")
    row = shown.table.set_index("change").loc["tuned"]
    assert row["ratio"] == pytest.approx(1 / 20, rel=0.05)
    assert row["low"] < row["ratio"] < row["high"]
    assert row["verdict"] == "improvement"
    assert "1 improvement" in shown.sentences[0]
    assert len(parts(shown)) == 4  # style, sentences, figure, numbers


def test_a_prediction_stands_beside_what_was_measured(exp):
    shown = exp.what_if("as-measured", "burst-50", workers=2)
    duration = shown.table.set_index("metric").loc["duration (ms)"]
    assert duration["predicted with the change"] < duration["predicted as it is"]
    assert duration["predicted as it is"] == pytest.approx(duration["as it was measured"], rel=0.2)
    assert "predicted, not measured" in shown.sentences[0]


def test_a_prediction_of_a_set_up_that_was_measured_is_its_check(builder):
    runs = [builder.run("tuned", "single"), builder.run("tuned"), builder.run("tuned-with-one-worker")]
    shown = open_experiment(builder.experiment(*runs).directory).what_if("tuned", "burst-50", hash_limit=2)
    check = next(sentence for sentence in shown.sentences if "From the same run" in sentence)
    assert "tuned-with-one-worker (workers=1) at" in check
    assert "was measured, an error of" in check


def test_a_prediction_without_such_a_set_up_says_so(exp):
    assert "no prediction of a change of as-measured can be checked" in " ".join(
        exp.what_if("as-measured", "burst-50", workers=2).sentences
    )


def test_a_burst_with_another_cache_is_refused(exp):
    (sentence,) = exp.what_if("tuned", "burst-50", cache="off").sentences
    assert sentence == "This cannot be predicted: the model of a burst does not cover a change of cache."


@pytest.mark.parametrize(
    ("load", "settings", "message"),
    [
        ("burst", {}, "is not a load"),
        ("burst-0", {}, "is not a load"),
        ("burst-50", {"wrokers": 2}, "'wrokers=2' is not a setting"),
        ("burst-50", {"workers": 0}, "workers takes a number from 1"),
    ],
)
def test_a_load_or_a_setting_that_is_not_valid_is_one_line(exp, load, settings, message):
    with pytest.raises(UserError, match=message):
        exp.what_if("as-measured", load, **settings)


def test_a_prediction_beyond_the_model_says_why(exp):
    shown = exp.what_if("as-measured", "burst-50", threads=4)
    assert "threads are a setting of gthread" in shown.sentences[0]
    assert fallback(shown)


def test_the_arms_to_compare_are_those_that_ran(exp, builder):
    assert (exp.baseline, exp.candidate) == ("as-measured", "tuned")
    other = open_experiment(builder.experiment(builder.run("as-claimed"), builder.run("as-advised")).directory)
    assert (other.baseline, other.candidate) == ("as-claimed", "as-advised")

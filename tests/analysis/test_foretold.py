"""What was foretold of runs, read from what was written down before they ran."""

import pytest

from analysis import foretold
from analysis.problem import RecordingError

OURS = "tuned"
DURING = "2026-01-01T00:00:01.000Z"


def searched(made, *loads, slower=None):
    """An experiment with a search of tuned under open load, these loads in turn, and the run that it was known from."""
    probes = [made.run(OURS, f"open-{load}", slower=(slower or {}).get(load, 1)) for load in loads]
    return made.experiment(made.run("as-measured", "sustained-20"), probes=tuple(probes))


def test_a_point_has_what_was_foretold_beside_what_came_of_it(made):
    experiment = searched(made, 8)
    made.foretell(experiment, experiment.runs[1])
    (point,) = foretold.read(experiment)
    assert (point.slowest, point.foretold_ms, point.measured_ms) == ("login", 10.0, pytest.approx(5.0))
    assert point.error == pytest.approx(1.0)
    made.foretell(experiment, experiment.runs[1], p95_ms={"scan": 3.0})
    (point,) = foretold.read(experiment)
    assert (point.measured_ms, point.error) == (None, None)


@pytest.mark.parametrize(("capacity", "error"), [(8.0, 0.0), (12.0, 0.0), (16.0, 0.0), (4.0, -0.5), (24.0, 0.5)])
def test_the_error_of_a_capacity_is_to_the_nearer_end_of_what_was_found(made, capacity, error):
    experiment = searched(made, 8, 16, slower={16: 200})
    for run in experiment.runs[1:]:
        made.foretell(experiment, run, capacity=capacity)
    (outcome,) = foretold.outcomes(experiment)
    assert (outcome.found.bracket.certified, outcome.found.bracket.refuted) == (8, 16)
    assert (outcome.base, outcome.changes, len(outcome.points)) == ("as-measured", {"workers": [1, 2]}, 2)
    assert (outcome.capacity, outcome.error) == (capacity, error)


def test_where_the_nearer_end_was_not_found_there_is_no_error(made):
    experiment = searched(made, 8)
    made.foretell(experiment, experiment.runs[1], capacity=12.0)
    (outcome,) = foretold.outcomes(experiment)
    assert outcome.error is None
    made.foretell(experiment, experiment.runs[1], capacity=4.0)
    (outcome,) = foretold.outcomes(experiment)
    assert outcome.error == -0.5


def test_of_what_nothing_was_foretold_nothing_is_said(made):
    assert foretold.outcomes(searched(made, 8)) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"written": DURING}, "was written when its run had begun"),
        ({"run": "another"}, "is no prediction of"),
        ({"mean_ms": "4"}, "is no prediction of"),
        ({"p95_ms": [1.0]}, "is no prediction; remove it"),
        ({"p95_ms": {}}, "is no prediction of"),
        ({"written": "yesterday"}, "is no prediction; remove it"),
        ({"written": 5}, "is no prediction; remove it"),
    ],
)
def test_what_is_no_prediction_is_told_by_its_place(made, changed, said):
    experiment = searched(made, 8)
    path = made.foretell(experiment, experiment.runs[1], **changed)
    with pytest.raises(RecordingError, match=said) as told:
        foretold.read(experiment)
    assert str(path) in told.value.message


@pytest.mark.parametrize("content", ["", "[]", "{}", "\0", '{"run": 1}'])
def test_a_file_of_something_else_is_told_too(made, content):
    experiment = searched(made, 8)
    made.foretell(experiment, experiment.runs[1]).write_text(content)
    with pytest.raises(RecordingError, match="is no prediction; remove it"):
        foretold.read(experiment)

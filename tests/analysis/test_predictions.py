"""What was foretold of runs, read from what was written down before they ran."""

import pytest

from analysis.capacity import predictions

OURS = "tuned"
DURING = "2026-01-01T00:00:01.000Z"


def searched(made, *loads, slower=None):
    """An experiment with a search of tuned under open load, these loads in turn, and the run that it was known from."""
    probes = [made.run(OURS, f"open-{load}", slower=(slower or {}).get(load, 1)) for load in loads]
    return made.experiment(made.run("as-measured", "sustained-20"), probes=tuple(probes))


def test_a_point_has_what_was_foretold_beside_what_came_of_it(made):
    experiment = searched(made, 8)
    made.foretell(experiment, experiment.runs[1])
    (point,), _ = predictions.read(experiment)
    assert (point.foretold_ms, point.measured_ms, point.error) == (10.0, pytest.approx(5.0), pytest.approx(1.0))


@pytest.mark.parametrize(
    ("capacity", "errors", "within"),
    [
        (8.0, (-0.5, 0.0), True),
        (12.0, (-0.25, 0.5), True),
        (16.0, (0.0, 1.0), False),
        (4.0, (-0.75, -0.5), False),
        (24.0, (0.5, 2.0), False),
    ],
)
def test_the_error_of_a_capacity_is_between_those_to_both_ends_of_what_was_found(made, capacity, errors, within):
    experiment = searched(made, 8, 16, slower={16: 200})
    for run in experiment.runs[1:]:
        made.foretell(experiment, run, capacity=capacity)
    (outcome,) = predictions.outcomes(experiment)
    assert (outcome.found.bracket.certified, outcome.found.bracket.refuted) == (8, 16)
    assert (outcome.base, outcome.changes, len(outcome.points)) == ("as-measured", {"workers": [1, 2]}, 2)
    assert (outcome.capacity, outcome.errors, outcome.is_within) == (capacity, errors, within)


def test_where_an_end_was_not_found_there_is_no_error(made):
    experiment = searched(made, 8)
    made.foretell(experiment, experiment.runs[1])
    (outcome,) = predictions.outcomes(experiment)
    assert (outcome.errors, outcome.is_within) == (None, False)


def test_of_what_nothing_was_foretold_nothing_is_said(made):
    experiment = searched(made, 8)
    assert (predictions.outcomes(experiment), predictions.read(experiment)) == ([], ([], []))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"written": DURING}, "was written when its run had begun"),
        ({"run": "another"}, "is no prediction of"),
        ({"mean_ms": "4"}, "is no prediction"),
        ({"capacity": float("nan")}, "is no prediction of"),
        ({"capacity": 0.0}, "is no prediction of"),
        ({"changes": []}, "is no prediction"),
        ({"changes": {"workers": [1]}}, "is no prediction of"),
        ({"p95_ms": [1.0]}, "is no prediction"),
        ({"p95_ms": {}}, "is no prediction of"),
        ({"written": "yesterday"}, "is no prediction"),
        ({"written": 5}, "is no prediction"),
    ],
)
def test_what_is_no_prediction_is_told_by_its_place_and_the_others_are_read(made, changed, said):
    experiment = searched(made, 8, 12)
    path = made.foretell(experiment, experiment.runs[1], **changed)
    made.foretell(experiment, experiment.runs[2])
    (point,), (line,) = predictions.read(experiment)
    assert point.run.scenario == "open-12"
    assert line.startswith(f"{path} {said}")


@pytest.mark.parametrize("content", ["", "[]", "{}", "\0", '{"run": 1}'])
def test_a_file_of_something_else_is_told_too(made, content):
    experiment = searched(made, 8)
    path = made.foretell(experiment, experiment.runs[1])
    path.write_text(content)
    assert predictions.read(experiment) == ([], [f"{path} is no prediction"])

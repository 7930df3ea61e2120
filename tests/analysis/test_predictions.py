"""Predictions, read from the files that were written before the runs."""

import pytest

from analysis.capacity import predictions

TUNED = "tuned"
DURING = "2026-01-01T00:00:01.000Z"


def searched(builder, *loads, slower=None):
    """An experiment with a base run, and a search of `tuned` under open load: these loads in turn."""
    probes = [builder.run(TUNED, f"open-{load}", slower=(slower or {}).get(load, 1)) for load in loads]
    return builder.experiment(builder.run("as-measured", "sustained-20"), probes=tuple(probes))


def test_predicted_run_has_the_measured_p95_beside_the_predicted(builder):
    experiment = searched(builder, 8)
    builder.predict(experiment, experiment.runs[1])
    (predicted,), _ = predictions.predicted_runs(experiment)
    assert (predicted.predicted_ms, predicted.measured_ms, predicted.error) == (
        10.0,
        pytest.approx(5.0),
        pytest.approx(1.0),
    )


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
def test_errors_of_a_capacity_are_relative_to_both_bounds(builder, capacity, errors, within):
    experiment = searched(builder, 8, 16, slower={16: 200})
    for run in experiment.runs[1:]:
        builder.predict(experiment, run, capacity=capacity)
    (predicted,) = predictions.predicted_capacities(experiment)
    assert predicted.result.bracket.ends == (8, 16)
    assert (predicted.base, predicted.changes, len(predicted.runs)) == ("as-measured", {"workers": [1, 2]}, 2)
    assert (predicted.capacity, predicted.errors, predicted.is_within) == (capacity, errors, within)


def test_errors_without_both_bounds_are_not_known(builder):
    experiment = searched(builder, 8)
    builder.predict(experiment, experiment.runs[1])
    (predicted,) = predictions.predicted_capacities(experiment)
    assert (predicted.errors, predicted.is_within) == (None, False)


def test_predictions_of_runs_without_one_are_none(builder):
    experiment = searched(builder, 8)
    assert (predictions.predicted_capacities(experiment), predictions.predicted_runs(experiment)) == ([], ([], []))


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"written": DURING}, "was written after the start of its run"),
        ({"run": "another"}, "is no prediction of"),
        ({"mean_ms": "4"}, "is no prediction"),
        ({"capacity": float("nan")}, "is no prediction"),
        ({"capacity": 0.0}, "is no prediction of"),
        ({"changes": []}, "is no prediction"),
        ({"changes": {"workers": [1]}}, "is no prediction of"),
        ({"p95_ms": [1.0]}, "is no prediction"),
        ({"p95_ms": {}}, "is no prediction of"),
        ({"written": "yesterday"}, "is no prediction"),
        ({"written": 5}, "is no prediction"),
    ],
)
def test_file_that_is_no_prediction_is_named_and_the_others_are_read(builder, changed, problem):
    experiment = searched(builder, 8, 12)
    path = builder.predict(experiment, experiment.runs[1], **changed)
    builder.predict(experiment, experiment.runs[2])
    (predicted,), (line,) = predictions.predicted_runs(experiment)
    assert predicted.run.scenario == "open-12"
    assert line.startswith(f"{path} {problem}")


@pytest.mark.parametrize("content", ["", "[]", "{}", "\0", '{"run": 1}'])
def test_file_with_other_content_is_named(builder, content):
    experiment = searched(builder, 8)
    path = builder.predict(experiment, experiment.runs[1])
    path.write_text(content)
    assert predictions.predicted_runs(experiment) == ([], [f"{path} is no prediction"])

"""The rows of runs with some request types left out."""

import pytest

from workbench.recording import open_experiment, open_run


def typed(builder, **options):
    """A run of a foreign application: its logins are values that are no requests."""
    recorded = builder.run(**options)
    for row in recorded.rows:
        row["endpoint"] = f"{'METRIC' if row['endpoint'] == 'login' else 'GET'} {row['endpoint']}"
    return recorded


@pytest.mark.parametrize("state", ["stored", "cut off"])
def test_every_metric_is_without_the_types_that_are_left_out(builder, state):
    recorded = typed(builder)
    directory = builder.experiment(recorded if state == "stored" else recorded.cut_off()).runs[0].directory
    run, whole = open_run(directory, ["METRIC"]), open_run(directory)
    assert list(run.by_endpoint["endpoint"]) == ["GET dashboard", "GET search"]
    assert (whole.totals["requests"], run.totals["requests"], len(run.requests), len(run.measured)) == (
        150,
        100,
        100,
        100,
    )
    assert run.totals["all_mean_ms"] == pytest.approx((4490 + 2087.5) / 2)
    assert "without requests of type METRIC" in repr(run)
    assert run.rows.typed_endpoints == whole.rows.typed_endpoints


def test_an_experiment_leaves_them_out_in_all_of_its_runs(builder):
    directory = builder.experiment(typed(builder), typed(builder, block=1)).directory
    experiment = open_experiment(directory, ["METRIC"])
    assert experiment.by_run["requests"].tolist() == [100, 100]
    assert set(experiment.by_arm["endpoint"]) == {"GET dashboard", "GET search"}
    assert "without requests of type METRIC" in repr(experiment)
    assert open_experiment(directory, ["METRIC", "GET"]).by_run.empty


def test_a_type_is_matched_as_a_whole_and_never_as_a_part_of_an_endpoint(builder):
    directory = builder.experiment(typed(builder)).runs[0].directory
    for name in ("MET", "login", "metric", "", "METRIC login", "'; DROP TABLE runs; --"):
        assert open_run(directory, [name]).totals["requests"] == 150


def test_a_type_of_several_words_can_be_left_out(builder):
    recorded = builder.run()
    for row in recorded.rows_of("login"):
        row["endpoint"] = "WebSocket Recv login"
    run = open_run(builder.experiment(recorded).runs[0].directory, ["WebSocket Recv"])
    assert list(run.by_endpoint["endpoint"]) == ["dashboard", "search"]

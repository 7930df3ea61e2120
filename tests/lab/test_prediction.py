"""Predictions that were written before their runs, beside a new one."""

import pytest

from lab import open_experiment
from lab.lab_experiment import LabExperiment
from tests.calibrated_runs import reported_python_ms, spend_cpu


@pytest.fixture
def predicted(builder) -> LabExperiment:
    """A search of tuned whose two probes were predicted, one of them exactly."""
    base = builder.run("tuned", "sustained-20")
    base.record["generator"]["cpu_ms"] = 0.0
    probes = tuple(builder.run("tuned", f"open-{load}") for load in (40, 80))
    experiment = builder.experiment(spend_cpu(base, "server", reported_python_ms(base)), probes=probes)
    for run, login_ms in zip(experiment.runs[1:], (5.0, 10.0), strict=True):
        builder.predict(experiment, run, p95_ms={"login": login_ms})
    return open_experiment(experiment.directory)


def test_each_prediction_has_its_measurement_its_error_and_the_date_of_its_file(predicted):
    table = predicted.predictions.table.set_index("run")
    assert table["error"].tolist() == pytest.approx([0.0, 1.0])
    assert table["written"].unique().tolist() == ["2025-12-31 23:59"]
    assert "2 predictions" in predicted.predictions.sentences[0]


def test_the_panel_has_them_beside_its_curve(predicted):
    panel = predicted.what_if_panel("tuned")
    assert "2 predictions were written before their runs; half are within 50%" in panel.sentences[-1]
    curve, earlier = (column.children[0] for column in panel.widget.children[-1].children)
    assert curve is panel.figure
    points = earlier.data[1]
    assert list(points.x) == [5.0, 10.0]
    assert list(points.y) == pytest.approx([5.0, 5.0])
    assert [written for _, written in points.customdata] == ["2025-12-31 23:59"] * 2


def test_a_prediction_in_a_table_has_them_below(predicted):
    shown = predicted.what_if("tuned", "sustained-20", workers=1)
    assert shown.sentences[-1].startswith("2 predictions were written before their runs")
    assert shown.figure is not None


def test_other_experiments_are_left_out_where_they_cannot_be_read(builder, predicted):
    other = builder.runs / "other" / "predictions"
    other.mkdir(parents=True)
    (other / "1.json").write_text("{")
    assert len(open_experiment(predicted.recorded.directory).predictions.table) == 2

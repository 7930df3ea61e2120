"""The predictions section: predicted beside measured values."""

from reports.sections import capacity, what_if
from tests.builders import reseal
from tests.reports.page_reader import page_text, report_of, table_cells
from workbench.arms import BASELINE, LABELS, TUNED


def test_predictions_are_shown_beside_measured_values(builder):
    probes = builder.run(TUNED, "open-8"), builder.run(TUNED, "open-16", slower=200)
    experiment = builder.experiment(builder.run(BASELINE, "sustained-20"), probes=probes)
    assert page_text(what_if.what_if(report_of(experiment))) == ""
    silent = builder.experiment(
        builder.run(), probes=probes, name="silent", prediction_failures=["the capacity of x is not predicted: y"]
    )
    assert page_text(what_if.what_if(report_of(silent))).strip() == "The capacity of x is not predicted: y."
    paths = [builder.predict(experiment, run) for run in experiment.runs[1:]]
    html = what_if.what_if(report_of(experiment))
    row = table_cells(html, "Predicted and measured capacity")[TUNED]
    assert (row["base"], row["changes"]) == (LABELS[BASELINE], "workers 1 → 2")
    assert (row["predicted"], row["measured"], row["prediction error"]) == ("12", "8–16", "-25% to +50%")
    point = table_cells(html, "Predicted loads, measured")["1-02-tuned-open-8"]
    assert (point["load"], point["predicted p95 of the slowest (ms)"], point["prediction error"]) == (
        "8",
        "10.0",
        "+100%",
    )
    text = page_text(html)
    assert "1 of 1 predicted capacities lie in the measured bracket, and no error is larger than 50%" in text
    assert "the median error of p95 of the slowest endpoint is 100%" in text
    held = table_cells(capacity.capacity(report_of(experiment)), "Capacity of each set-up")[TUNED]
    assert held["predicted"] == "12"
    paths[1].write_text("{}")
    reseal(experiment.directory)
    assert f"Not counted: {paths[1]} is no prediction." in page_text(what_if.what_if(report_of(experiment)))
    assert table_cells(what_if.what_if(report_of(experiment)), "Predicted loads, measured").keys() == {
        "1-02-tuned-open-8"
    }

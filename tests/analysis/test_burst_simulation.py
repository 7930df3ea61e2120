"""Predictions of bursts by simulation, beside recorded bursts."""

import pytest

from analysis.queueing import burst_simulation
from tests.calibrated_runs import known_run


def test_prediction_table_has_the_measured_burst_beside_the_prediction(builder):
    experiment = builder.experiment(known_run(builder), known_run(builder, scenario="burst-50"))
    table = burst_simulation.prediction_table(experiment, "as-measured", 50).set_index("metric")
    assert table["predicted"].to_list() == pytest.approx(table["measured"].to_list())
    assert table.loc["duration", "predicted"] == pytest.approx(9.25)


def test_prediction_table_without_single_requests_to_each_endpoint_is_empty(builder):
    assert burst_simulation.prediction_table(builder.experiment(builder.run()), "as-measured", 50).empty
    unread = builder.run(scenario="single")
    unread.process = None
    assert burst_simulation.prediction_table(builder.experiment(unread, name="unread"), "as-measured", 50).empty

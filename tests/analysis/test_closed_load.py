"""Predictions of closed loads, from runs whose network is known."""

import pytest

from analysis.queueing import closed_load
from analysis.queueing.mva import Station, solve

BASELINE, TUNED = "as-measured", "tuned"


def test_prediction_table_of_synchronous_workers_has_them_as_the_station(builder):
    runs = [builder.run(BASELINE, f"sustained-{number}") for number in (100, 20)]
    experiment = builder.experiment(*runs)
    table = closed_load.prediction_table(experiment, BASELINE)
    fewest = experiment.find(BASELINE, "sustained-20")[0]
    application_ms = fewest.measured["app_ms"].mean()
    delay_ms = (fewest.measured["latency_ms"] - fewest.measured["queue_ms"]).mean() - application_ms
    wanted = solve([Station("workers", application_ms), Station("delay", delay_ms, None)], 100, 2000.0)
    assert table["users"].to_list() == [20, 100]
    assert set(table["from_users"]) == {20}
    assert table["predicted_ms"].iloc[1] == pytest.approx(wanted.response_ms)
    assert table["predicted_rps"].iloc[1] == pytest.approx(wanted.throughput_rps)
    assert table["measured_ms"].iloc[1] == pytest.approx(experiment.runs[0].measured["latency_ms"].mean())


def test_prediction_table_of_threads_has_the_cores_as_the_station(builder):
    experiment = builder.experiment(*(builder.run(TUNED, f"sustained-{number}") for number in (10, 20)))
    table = closed_load.prediction_table(experiment, TUNED)
    assert table["predicted_rps"].to_list() == sorted(table["predicted_rps"])
    unread = builder.run(TUNED, "sustained-10")
    unread.process = None
    experiment = builder.experiment(unread, builder.run(TUNED, "sustained-20"), name="unread")
    assert closed_load.prediction_table(experiment, TUNED).empty


@pytest.mark.parametrize("scenarios", [["sustained-20"], ["sustained-20", "sustained-20-write"], []])
def test_prediction_table_with_one_number_of_users_is_empty(builder, scenarios):
    experiment = builder.experiment(builder.run(), *(builder.run(BASELINE, scenario) for scenario in scenarios))
    assert closed_load.prediction_table(experiment, BASELINE).empty

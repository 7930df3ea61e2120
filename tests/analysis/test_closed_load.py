"""What few users foretell of more, on runs for which the network is known."""

import pytest

from analysis.queueing import closed_load
from analysis.queueing.mva import Station, solve

BASE, OURS = "as-measured", "tuned"


def test_workers_that_answer_one_at_a_time_are_the_station(made):
    runs = [made.run(BASE, f"sustained-{number}") for number in (100, 20)]
    experiment = made.experiment(*runs)
    table = closed_load.predicted(experiment, BASE)
    fewest = experiment.find(BASE, "sustained-20")[0]
    held_ms = fewest.measured["app_ms"].mean()
    beside_ms = (fewest.measured["latency_ms"] - fewest.measured["queue_ms"]).mean() - held_ms
    wanted = solve([Station("workers", held_ms), Station("beside", beside_ms, None)], 100, 2000.0)
    assert table["users"].to_list() == [20, 100]
    assert set(table["from_users"]) == {20}
    assert table["predicted_ms"].iloc[1] == pytest.approx(wanted.response_ms)
    assert table["predicted_rps"].iloc[1] == pytest.approx(wanted.throughput_rps)
    assert table["measured_ms"].iloc[1] == pytest.approx(experiment.runs[0].measured["latency_ms"].mean())


def test_threads_that_share_the_cores_are_a_station_of_cores(made):
    experiment = made.experiment(*(made.run(OURS, f"sustained-{number}") for number in (10, 20)))
    table = closed_load.predicted(experiment, OURS)
    assert table["predicted_rps"].to_list() == sorted(table["predicted_rps"])
    recorded = made.run(OURS, "sustained-10")
    recorded.process = None
    blind = made.experiment(recorded, made.run(OURS, "sustained-20"), name="blind")
    assert closed_load.predicted(blind, OURS).empty


@pytest.mark.parametrize("scenarios", [["sustained-20"], ["sustained-20", "sustained-20-write"], []])
def test_one_number_of_users_foretells_nothing(made, scenarios):
    experiment = made.experiment(made.run(), *(made.run(BASE, scenario) for scenario in scenarios))
    assert closed_load.predicted(experiment, BASE).empty

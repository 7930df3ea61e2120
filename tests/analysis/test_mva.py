"""Mean-value analysis against solutions that were found in another way."""

import numpy as np
import pytest

from analysis.queueing.mva import Station, solve


def birth_death(demand_ms, servers, users, think_ms):
    """One station and thinking users: the steady state of how many are at the station (its rates are those of a birth
    and death process), and from it throughput (requests a ms) and the mean number there."""
    logs = [0.0]
    for present in range(1, users + 1):
        born, died = (users - present + 1) / think_ms, min(present, servers) / demand_ms
        logs.append(logs[-1] + np.log(born / died))
    weights = np.exp(np.array(logs) - max(logs))
    p = weights / weights.sum()
    busy = np.minimum(np.arange(users + 1), servers)
    return float((p * busy).sum() / demand_ms), float((p * np.arange(users + 1)).sum())


@pytest.mark.parametrize("users", [1, 2, 5, 30, 200])
@pytest.mark.parametrize("servers", [1, 2, 4, 64])
@pytest.mark.parametrize("think_ms", [1.0, 100.0, 2000.0])
def test_one_station_is_as_the_birth_and_death_process_has_it(users, servers, think_ms):
    throughput, present = birth_death(25.0, servers, users, think_ms)
    means = solve([Station("workers", 25.0, servers)], users, think_ms)
    assert means.throughput_rps == pytest.approx(1000 * throughput, rel=1e-9)
    assert means.present[0] == pytest.approx(present, rel=1e-9)


def steady_state(stations, users, think_ms):
    """By the balance of all flows of the whole network: (throughput, requests present by station)."""
    places = len(stations) + 1  # the first is thinking
    states = [state for state in np.ndindex(*[users + 1] * places) if sum(state) == users]
    number = {state: n for n, state in enumerate(states)}
    rates = [lambda n: n / think_ms, *(_rate(station) for station in stations)]
    flow = np.zeros((len(states), len(states)))
    for state, n in number.items():
        for place, rate in enumerate(rates):
            if state[place]:
                after = list(state)
                after[place] -= 1
                after[(place + 1) % places] += 1
                flow[n, number[tuple(after)]] += rate(state[place])
    flow -= np.diag(flow.sum(axis=1))
    p = np.linalg.lstsq(
        np.vstack([flow.T, np.ones(len(states))]), np.eye(1, len(states) + 1, len(states))[0], rcond=None
    )[0]
    present = p @ np.array(states, dtype=float)
    return 1000 * present[0] / think_ms, present[1:]


def _rate(station):
    return lambda n: (n if station.servers is None else min(n, station.servers)) / station.demand_ms


@pytest.mark.parametrize(
    "stations",
    [
        [Station("cores", 8.0, 2), Station("database", 5.0, 1)],
        [Station("cores", 8.0, 2), Station("pool", 5.0, 3)],
        [Station("cores", 8.0, 2), Station("pool", 5.0, 3), Station("network", 12.0, None)],
    ],
    ids=len,
)
@pytest.mark.parametrize("users", [1, 3, 7])
def test_several_stations_are_as_the_balance_of_all_flows_has_them(stations, users):
    throughput, present = steady_state(stations, users, 20.0)
    means = solve(stations, users, 20.0)
    assert means.throughput_rps == pytest.approx(throughput, rel=1e-8)
    assert means.present == pytest.approx(list(present), rel=1e-8)


@pytest.mark.parametrize("users", [1, 50, 1000])
def test_users_are_where_they_can_be_and_littles_law_holds(users):
    means = solve([Station("cores", 8.0, 2), Station("pool", 5.0, 6)], users, 2000.0)
    assert sum(means.present) + means.throughput_rps * 2.0 == pytest.approx(users, rel=1e-9)
    assert sum(means.residence_ms) == pytest.approx(means.response_ms)
    assert means.throughput_rps <= 1000 * 2 / 8.0 * (1 + 1e-12)


def test_users_who_do_not_think_keep_the_only_station_busy():
    assert solve([Station("worker", 10.0)], 5).throughput_rps == pytest.approx(100)
    assert solve([Station("workers", 10.0, 4)], 9).throughput_rps == pytest.approx(400)
    assert solve([Station("workers", 10.0, 4)], 3).throughput_rps == pytest.approx(300)


def test_one_server_without_thinking_queues_all_users():
    means = solve([Station("worker", 10.0)], 7)
    assert means.response_ms == pytest.approx(70)
    assert means.present == pytest.approx((7,))


@pytest.mark.parametrize(
    ("stations", "users", "think_ms", "said"),
    [
        ([Station("worker", 1.0)], 0, 0.0, "at least one user"),
        ([Station("worker", 0.0)], 5, 0.0, "neither think nor ask"),
        ([], 5, 0.0, "neither think nor ask"),
        ([Station("worker", 1.0)], 5, -1.0, "neither think nor ask"),
    ],
)
def test_what_has_no_solution_is_told(stations, users, think_ms, said):
    with pytest.raises(ValueError, match=said):
        solve(stations, users, think_ms)


@pytest.mark.parametrize("wrong", [{"demand_ms": -1.0}, {"demand_ms": float("nan")}, {"demand_ms": 1.0, "servers": 0}])
def test_a_station_that_cannot_be_is_told(wrong):
    with pytest.raises(ValueError, match="worker"):
        Station("worker", **wrong)

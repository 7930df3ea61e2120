"""Mean-value analysis against solutions by other methods."""

import numpy as np
import pytest

from analysis.queueing.mva import Station, solve


def birth_death(demand_ms, servers, users, think_ms):
    """Throughput (requests a ms) and mean number of requests at one station with thinking users, from the steady state
    of a birth and death process."""
    logs = [0.0]
    for present in range(1, users + 1):
        birth_rate, death_rate = (users - present + 1) / think_ms, min(present, servers) / demand_ms
        logs.append(logs[-1] + np.log(birth_rate / death_rate))
    weights = np.exp(np.array(logs) - max(logs))
    p = weights / weights.sum()
    busy = np.minimum(np.arange(users + 1), servers)
    return float((p * busy).sum() / demand_ms), float((p * np.arange(users + 1)).sum())


@pytest.mark.parametrize("users", [1, 2, 5, 30, 200])
@pytest.mark.parametrize("servers", [1, 2, 4, 64])
@pytest.mark.parametrize("think_ms", [1.0, 100.0, 2000.0])
def test_solution_of_one_station_is_that_of_the_birth_and_death_process(users, servers, think_ms):
    throughput, present = birth_death(25.0, servers, users, think_ms)
    means = solve([Station("workers", 25.0, servers)], users, think_ms)
    assert means.throughput_rps == pytest.approx(1000 * throughput, rel=1e-9)
    assert means.queue_lengths[0] == pytest.approx(present, rel=1e-9)


def steady_state(stations, users, think_ms):
    """Throughput, and requests present by station, from the global balance equations of the network."""
    positions = len(stations) + 1  # at the first users think
    states = [state for state in np.ndindex(*[users + 1] * positions) if sum(state) == users]
    number = {state: n for n, state in enumerate(states)}
    rates = [lambda n: n / think_ms, *(_rate(station) for station in stations)]
    flow = np.zeros((len(states), len(states)))
    for state, n in number.items():
        for position, rate in enumerate(rates):
            if state[position]:
                after = list(state)
                after[position] -= 1
                after[(position + 1) % positions] += 1
                flow[n, number[tuple(after)]] += rate(state[position])
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
def test_solution_of_several_stations_is_that_of_the_global_balance(stations, users):
    throughput, present = steady_state(stations, users, 20.0)
    means = solve(stations, users, 20.0)
    assert means.throughput_rps == pytest.approx(throughput, rel=1e-8)
    assert means.queue_lengths == pytest.approx(list(present), rel=1e-8)


@pytest.mark.parametrize("users", [1, 50, 1000])
def test_solution_accounts_for_every_user_by_littles_law(users):
    means = solve([Station("cores", 8.0, 2), Station("pool", 5.0, 6)], users, 2000.0)
    assert sum(means.queue_lengths) + means.throughput_rps * 2.0 == pytest.approx(users, rel=1e-9)
    assert sum(means.residence_ms) == pytest.approx(means.response_ms)
    assert means.throughput_rps <= 1000 * 2 / 8.0 * (1 + 1e-12)


def test_users_without_think_time_keep_the_only_station_busy():
    assert solve([Station("worker", 10.0)], 5).throughput_rps == pytest.approx(100)
    assert solve([Station("workers", 10.0, 4)], 9).throughput_rps == pytest.approx(400)
    assert solve([Station("workers", 10.0, 4)], 3).throughput_rps == pytest.approx(300)


def test_one_server_without_think_time_queues_all_users():
    means = solve([Station("worker", 10.0)], 7)
    assert means.response_ms == pytest.approx(70)
    assert means.queue_lengths == pytest.approx((7,))


@pytest.mark.parametrize(
    ("stations", "users", "think_ms", "message"),
    [
        ([Station("worker", 1.0)], 0, 0.0, "at least one user"),
        ([Station("worker", 0.0)], 5, 0.0, "neither think time nor service demand"),
        ([], 5, 0.0, "neither think time nor service demand"),
        ([Station("worker", 1.0)], 5, -1.0, "neither think time nor service demand"),
    ],
)
def test_network_without_a_solution_is_refused(stations, users, think_ms, message):
    with pytest.raises(ValueError, match=message):
        solve(stations, users, think_ms)


@pytest.mark.parametrize("fields", [{"demand_ms": -1.0}, {"demand_ms": float("nan")}, {"demand_ms": 1.0, "servers": 0}])
def test_impossible_station_is_refused(fields):
    with pytest.raises(ValueError, match="worker"):
        Station("worker", **fields)

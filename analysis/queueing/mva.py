"""A closed network of stations with several servers each, solved exactly for its means by mean-value analysis.

So many users think, ask, wait for their answer and think again. What they wait for is a product-form network: stations
whose service times are exponential (or that share their servers evenly), each with one or several servers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Station:
    """`demand_ms` is what one request needs of it in all; `servers` work at once, None is one for everybody."""

    name: str
    demand_ms: float
    servers: int | None = 1

    def __post_init__(self):
        if not (np.isfinite(self.demand_ms) and self.demand_ms >= 0):
            raise ValueError(f"the demand on {self.name} is {self.demand_ms}, not a duration")
        if self.servers is not None and self.servers < 1:
            raise ValueError(f"{self.name} has {self.servers} servers; it needs at least one")


@dataclass(frozen=True)
class Means:
    """What a request meets on the average: `residence_ms` and `present` (requests at each station, being served or
    waiting) in the order of the stations."""

    users: int
    throughput_rps: float
    response_ms: float
    residence_ms: tuple[float, ...]
    present: tuple[float, ...]


def solve(stations: Sequence[Station], users: int, think_ms: float = 0.0) -> Means:
    """The means with this many users (Reiser and Lavenberg 1980).

    That a station is empty is taken from the network without it (Reiser 1981), as the difference that is taken
    elsewhere loses all digits where stations are busy. Raises ValueError for fewer than one user, and where a request
    would take no time at all.
    """
    if users < 1:
        raise ValueError(f"a closed network needs at least one user, not {users}")
    if think_ms < 0 or not think_ms + sum(station.demand_ms for station in stations):
        raise ValueError("users who neither think nor ask for anything have no throughput")

    @cache
    def of(present: tuple[int, ...]):
        return _Network([stations[place] for place in present], users, think_ms, lambda k: of(_without(present, k)))

    network = of(tuple(range(len(stations))))
    throughput, residence_ms = network.throughput[-1], network.residence_ms
    return Means(
        users,
        1000 * float(throughput),
        float(sum(residence_ms)),
        tuple(map(float, residence_ms)),
        tuple(float(throughput * time_ms) for time_ms in residence_ms),
    )


def _without(places, k):
    return places[:k] + places[k + 1 :]


class _Network:
    """The recursion from no user to all: `throughput[n]` (requests a ms) with n users, `residence_ms` with all."""

    def __init__(self, stations, users, think_ms, without):
        self.throughput = np.zeros(users + 1)
        self.residence_ms = [0.0] * len(stations)
        several = {k: station.servers for k, station in enumerate(stations) if (station.servers or 0) > 1}
        others = {k: without(k).throughput for k in several}
        queue = [0.0] * len(stations)
        # By station with several servers, the probabilities that none, one … all but one of them work.
        few = {k: np.eye(1, servers)[0] for k, servers in several.items()}
        for n in range(1, users + 1):
            self.residence_ms = [_residence_ms(station, queue[k], few.get(k)) for k, station in enumerate(stations)]
            cycle_ms = think_ms + sum(self.residence_ms)
            rate = self.throughput[n] = n / cycle_ms if cycle_ms else np.inf
            queue = [rate * time_ms for time_ms in self.residence_ms]
            for k, servers in several.items():
                few[k] = _few(few[k], stations[k].demand_ms, servers, rate, others[k][n])


def _residence_ms(station, queue, few):
    """Of one that comes: what it needs itself, and its share of what those before it need (the arrival theorem)."""
    if station.servers is None:
        return station.demand_ms
    idle = 0.0 if few is None else float(np.dot(station.servers - 1 - np.arange(station.servers - 1), few[:-1]))
    return station.demand_ms / station.servers * (1.0 + queue + idle)


def _few(before, demand_ms, servers, rate, rate_without):
    after = np.empty(servers)
    after[0] = before[0] * rate / rate_without if np.isfinite(rate_without) else 0.0
    after[1:] = demand_ms * rate / np.arange(1, servers) * before[:-1]
    return after

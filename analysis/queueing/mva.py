"""Exact mean-value analysis of a closed product-form network of stations with one or several servers.

N users think for Z on the average, then send a request that needs each station k for D_k in all, and think again when
it is complete. Service times are exponential, or the station shares its servers evenly. With n users:

    X(n)     = n / (Z + Σ R_k(n))                            throughput
    Q_k(n)   = X(n) R_k(n)                                   mean number of requests at station k (Little's law)
    R_k(n)   = D_k                                           residence time, where every request has a server
             = D_k/c · (1 + Q_k(n−1) + Σ_{j=0}^{c−2} (c−1−j) p_k(j | n−1))         with c servers
    p_k(j|n) = D_k/j · X(n) p_k(j−1 | n−1)                   probability of j requests at the station, 1 ≤ j < c
    p_k(0|n) = p_k(0|n−1) X(n) / X_{−k}(n)                   X_{−k}: throughput of the network without station k

R_k by the arrival theorem: a request that arrives sees the network as it is with one user less (Reiser and Lavenberg
1980). p_k(0) by Reiser (1981): as 1 − Σ p_k(j), the usual way, it loses all digits where a station is busy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Station:
    """`demand_ms` is D_k; `servers` is c, None is one for each request."""

    name: str
    demand_ms: float
    servers: int | None = 1

    def __post_init__(self) -> None:
        if not (np.isfinite(self.demand_ms) and self.demand_ms >= 0):
            raise ValueError(f"the demand on {self.name} is {self.demand_ms}, not a duration")
        if self.servers is not None and self.servers < 1:
            raise ValueError(f"{self.name} has {self.servers} servers; it needs at least one")


@dataclass(frozen=True)
class Means:
    """The solution for N users: X, Σ R_k, and by station, in their order, R_k and Q_k."""

    users: int
    throughput_rps: float
    response_ms: float
    residence_ms: tuple[float, ...]
    queue_lengths: tuple[float, ...]


def solve(stations: Sequence[Station], users: int, think_ms: float = 0.0) -> Means:
    """The means of a network.

    Raises ValueError for fewer than one user, and where a user's cycle would take no time.
    """
    if users < 1:
        raise ValueError(f"a closed network needs at least one user, not {users}")
    if think_ms < 0 or not think_ms + sum(station.demand_ms for station in stations):
        raise ValueError("users with neither think time nor service demand have no throughput")

    @cache
    def network(present: tuple[int, ...]) -> _Recursion:
        """That of the stations at these positions."""
        part = [stations[position] for position in present]
        return _Recursion(part, users, think_ms, lambda k: network(_without(present, k)))

    solution = network(tuple(range(len(stations))))
    throughput, residence_ms = solution.throughput[-1], solution.residence_ms
    return Means(
        users,
        1000 * float(throughput),
        float(sum(residence_ms)),
        tuple(map(float, residence_ms)),
        tuple(float(throughput * time_ms) for time_ms in residence_ms),
    )


def _without(positions: tuple[int, ...], k: int) -> tuple[int, ...]:
    return positions[:k] + positions[k + 1 :]


class _Recursion:
    """The recursion over n = 1 … N: `throughput[n]` is X(n) in requests a ms, `residence_ms` are the R_k(N)."""

    def __init__(
        self, stations: Sequence[Station], users: int, think_ms: float, without: Callable[[int], "_Recursion"]
    ):
        self.throughput = np.zeros(users + 1)
        self.residence_ms = [0.0] * len(stations)
        servers = {k: station.servers for k, station in enumerate(stations) if station.servers and station.servers > 1}
        throughput_without = {k: without(k).throughput for k in servers}
        queue_lengths = [0.0] * len(stations)
        # By station with c > 1 servers, p_k(0) … p_k(c − 1).
        marginals = {k: np.eye(1, number)[0] for k, number in servers.items()}
        for n in range(1, users + 1):
            self.residence_ms = [
                _residence_ms(station, queue_lengths[k], marginals.get(k)) for k, station in enumerate(stations)
            ]
            cycle_ms = think_ms + sum(self.residence_ms)
            rate = self.throughput[n] = n / cycle_ms if cycle_ms else np.inf
            queue_lengths = [rate * time_ms for time_ms in self.residence_ms]
            for k in servers:
                marginals[k] = _next_marginals(marginals[k], stations[k].demand_ms, rate, throughput_without[k][n])


def _residence_ms(station: Station, queue_length: float, marginals: np.ndarray | None) -> float:
    """R_k(n), from Q_k(n−1) and the p_k(j | n−1)."""
    if station.servers is None:
        return station.demand_ms
    idle = 0.0
    if marginals is not None:
        idle = float(np.dot(station.servers - 1 - np.arange(station.servers - 1), marginals[:-1]))
    return station.demand_ms / station.servers * (1.0 + queue_length + idle)


def _next_marginals(marginals: np.ndarray, demand_ms: float, rate: float, rate_without: float) -> np.ndarray:
    """The p_k(j | n) from the p_k(j | n−1), X(n) and X_{−k}(n)."""
    following = np.empty(len(marginals))
    following[0] = marginals[0] * rate / rate_without if np.isfinite(rate_without) else 0.0
    following[1:] = demand_ms * rate / np.arange(1, len(marginals)) * marginals[:-1]
    return following

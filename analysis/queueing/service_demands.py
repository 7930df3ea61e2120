"""Service demands: the CPU time and the delays of one request when it waits for nothing, by endpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np


@dataclass(frozen=True, slots=True)
class ServiceDemand:
    """The demand of one request, ms; `round_trips` and `database_processes` are counts.

    CPU time, in the order in which it is used:
    send_ms: of the load generator, for the request
    database_ms: of PostgreSQL, split over `database_processes` that run at once
    database_client_ms: of the worker's Python while the request has a connection
    hash_ms: of the worker, for password hashes
    python_ms: of the worker's Python without a connection
    after_ms: of the worker when the response is out; receive_ms: of the load generator, for the response

    Delays, in which none of these computes:
    delay_ms: network and wake-up of processes, without a connection
    database_wait_ms: while the request has a connection; it contains the network time of `round_trips`
    """

    python_ms: float
    database_ms: float = 0.0
    database_client_ms: float = 0.0
    hash_ms: float = 0.0
    send_ms: float = 0.0
    delay_ms: float = 0.0
    database_wait_ms: float = 0.0
    after_ms: float = 0.0
    receive_ms: float = 0.0
    round_trips: float = 0.0
    database_processes: int = 1

    def cpu_ms(self) -> float:
        """The CPU time of load generator, worker and PostgreSQL together."""
        before_ms = self.send_ms + self.python_ms + self.database_client_ms + self.database_ms + self.hash_ms
        return before_ms + self.after_ms + self.receive_ms

    def waiting_ms(self) -> float:
        """The delays together."""
        return self.delay_ms + self.database_wait_ms


@dataclass(frozen=True)
class EndpointDemands:
    """The demands of the measured requests to one endpoint: cache hits (`hits`), and all others."""

    hits: tuple[ServiceDemand, ...]
    misses: tuple[ServiceDemand, ...]
    hit_ratio: float  # the probability with which `draw` takes one of the hits

    @property
    def requests(self) -> int:
        return len(self.hits) + len(self.misses)

    def draw(self, random: np.random.Generator) -> ServiceDemand:
        """The demand of a random request."""
        demands = self.hits if random.random() < self.hit_ratio else self.misses
        return demands[int(random.random() * len(demands))]

    def mean_ms(self, value_of: Callable[[ServiceDemand], float]) -> float:
        """The expected value over the requests that `draw` draws."""
        groups = ((self.hit_ratio, self.hits), (1.0 - self.hit_ratio, self.misses))
        return sum(ratio * fmean(map(value_of, demands)) for ratio, demands in groups if ratio)

    def with_hit_ratio(self, ratio: float) -> "EndpointDemands":
        """The same requests with another hit ratio. Raises ValueError without a measured hit, or miss, to draw."""
        if (ratio > 0 and not self.hits) or (ratio < 1 and not self.misses):
            raise ValueError(f"no cache {'hit' if ratio > 0 else 'miss'} was measured")
        return replace(self, hit_ratio=ratio)

    def map(self, change: Callable[[ServiceDemand], ServiceDemand]) -> "EndpointDemands":
        """The same with each demand changed."""
        return replace(self, hits=tuple(map(change, self.hits)), misses=tuple(map(change, self.misses)))


@dataclass(frozen=True)
class Demands:
    """The demands of a deployment's requests, by endpoint."""

    endpoints: Mapping[str, EndpointDemands]

    def mean_ms(self, value_of: Callable[[ServiceDemand], float], shares: Mapping[str, float]) -> float:
        """The mean over all requests, where endpoints have these shares; endpoints without a demand are left out."""
        means_ms = {name: self.endpoints[name].mean_ms(value_of) for name in shares if name in self.endpoints}
        return sum(shares[name] * ms for name, ms in means_ms.items()) / sum(shares[name] for name in means_ms)

    def cpu_ms(self, shares: Mapping[str, float]) -> float:
        """The mean CPU time of a request, of all processes together."""
        return self.mean_ms(ServiceDemand.cpu_ms, shares)

    def hash_ms(self) -> float | None:
        """The mean CPU time of the requests that hash; None where none does."""
        demands = [demand for endpoint in self.endpoints.values() for demand in endpoint.misses if demand.hash_ms]
        return fmean(demand.hash_ms for demand in demands) if demands else None

    def with_hit_ratios(self, ratios: Mapping[str, float]) -> "Demands":
        """The same with other hit ratios. Raises ValueError where no such request was measured."""
        changed = dict(self.endpoints)
        for name, ratio in ratios.items():
            try:
                changed[name] = changed[name].with_hit_ratio(ratio)
            except (KeyError, ValueError):
                raise ValueError(f"no measured {name} shows its demand at a hit ratio of {ratio:.1%}") from None
        return Demands(changed)

    def with_hash_factor(self, factor: float) -> "Demands":
        """The same with hashes that take `factor` times as long."""
        return self._map(lambda demand: replace(demand, hash_ms=factor * demand.hash_ms))

    def with_longer_round_trip(self, more_ms: float) -> "Demands":
        """The same with a round trip to the database that takes `more_ms` longer; negative is shorter."""
        return self._map(
            lambda demand: replace(
                demand, database_wait_ms=max(0.0, demand.database_wait_ms + more_ms * demand.round_trips)
            )
        )

    def _map(self, change: Callable[[ServiceDemand], ServiceDemand]) -> "Demands":
        return Demands({name: endpoint.map(change) for name, endpoint in self.endpoints.items()})

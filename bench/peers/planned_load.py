"""An open load whose true response times are known: when requests are due, how long each takes, and one stall.

The server that answers it is frozen during the stall: no request comes nearer to its answer, whether it arrived before
or in it. Any number of requests is served at once, so that a request waits for nothing but the end of the stall.

With requests due at d_k = k/λ, k = 0 … n−1, on a clock that starts at the first arrival, the service time s_k of each,
and A(d, s) the instant at which a request that arrives at d is answered, its true response time is A(d_k, s_k) − d_k.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

TIMED_PATH, RATE_VARIABLE = "/timed", "TRACETRACK_BENCH_RATE"  # what the users request, and their rate in its pace
MEAN_SERVICE_S = 0.010
SEED = 20
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True)
class PlannedLoad:
    """A constant rate for some seconds. `stall_at_s` is the start of the stall, None for a server without one."""

    rate_rps: float
    duration_s: float
    stall_at_s: float | None = None
    stall_s: float = 1.0

    @property
    def requests(self) -> int:
        """The number of requests that are due."""
        return round(self.rate_rps * self.duration_s)

    def service_times_s(self) -> list[float]:
        """The service time of each request in the order of arrival: the quantiles of an exponential distribution."""
        count = self.requests
        times_s = [-MEAN_SERVICE_S * math.log(1 - (k + 0.5) / count) for k in range(count)]
        random.Random(SEED).shuffle(times_s)
        return times_s

    def answered_s(self, arrived_s: float, service_s: float) -> float:
        """The instant at which a request is answered that arrived at `arrived_s`, in seconds from the first arrival."""
        start_s = self.stall_at_s
        if start_s is None or arrived_s + service_s <= start_s or arrived_s >= start_s + self.stall_s:
            return arrived_s + service_s
        if arrived_s >= start_s:
            return start_s + self.stall_s + service_s
        return arrived_s + service_s + self.stall_s

    def response_times_s(self, late_s: Sequence[float] = ()) -> list[float]:
        """The true response time of each request that is due.

        `late_s` says by how much the server answered later than planned, in the order of arrival; requests that never
        came take its values from the beginning again.
        """
        late = islice(cycle(late_s or (0.0,)), self.requests)
        due = (number / self.rate_rps for number in range(self.requests))
        return [
            self.answered_s(due_s, service_s) - due_s + by_s
            for due_s, service_s, by_s in zip(due, self.service_times_s(), late, strict=True)
        ]


def percentiles_ms(times_s: Sequence[float]) -> dict[str, float]:
    """The percentiles of `QUANTILES` in ms: the value at position ⌈q·n⌉ of n values in ascending order."""
    ordered = sorted(times_s)
    return {name: 1000 * ordered[math.ceil(share * len(ordered)) - 1] for name, share in QUANTILES.items()}

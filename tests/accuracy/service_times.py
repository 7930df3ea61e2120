"""Service times with known distributions, drawn from a seed."""

import random
from collections.abc import Callable

# Long against the milliseconds that a shared machine takes now and then to run a process again, which are not part of
# the service time.
FIXED_MS = 250.0
SHORT_MS = 10.0  # as a cached response, for which an error of a millisecond would be large
MEAN_MS = 200.0
FAST_MS, SLOW_MS, FAST_SHARE = 80.0, 400.0, 0.9

# By path.
DISTRIBUTIONS: dict[str, Callable[[random.Random], float]] = {
    "/fixed": lambda stream: FIXED_MS,
    "/short": lambda stream: SHORT_MS,
    "/exponential": lambda stream: stream.expovariate(1 / MEAN_MS),
    "/two-point": lambda stream: FAST_MS if stream.random() < FAST_SHARE else SLOW_MS,
}


class ServiceTimes:
    """Draws service times, from a random stream for each path: requests to other paths do not change its times."""

    def __init__(self, seed: int):
        self._streams = {path: random.Random(f"{seed} {path}") for path in DISTRIBUTIONS}

    def draw_ms(self, path: str) -> float:
        """The next service time of a path of `DISTRIBUTIONS`."""
        return DISTRIBUTIONS[path](self._streams[path])

"""Service times with known distributions, drawn from a seed."""

import random
from collections.abc import Callable

# Long against the milliseconds that a shared machine takes now and then to let a process run again, which are no time
# of the server's.
FIXED_MS = 250.0
SHORT_MS = 10.0  # as the answers of a cache, where a millisecond of the generator's would be much
MEAN_MS = 200.0
FAST_MS, SLOW_MS, FAST_SHARE = 80.0, 400.0, 0.9

DISTRIBUTIONS: dict[str, Callable[[random.Random], float]] = {
    "/fixed": lambda stream: FIXED_MS,
    "/short": lambda stream: SHORT_MS,
    "/exponential": lambda stream: stream.expovariate(1 / MEAN_MS),
    "/two-point": lambda stream: FAST_MS if stream.random() < FAST_SHARE else SLOW_MS,
}


class Delays:
    """Each path has a stream of its own: the n-th request of a path is served the same whatever else is asked for."""

    def __init__(self, seed: int):
        self._streams = {path: random.Random(f"{seed} {path}") for path in DISTRIBUTIONS}

    def draw_ms(self, path: str) -> float:
        return DISTRIBUTIONS[path](self._streams[path])

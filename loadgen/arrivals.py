"""The times at which the requests of an open load are due: a rate over time, and the arrivals that follow from it.

The rate consists of pieces in which it changes linearly, so that one description covers a constant rate, steps and
ramps. Arrivals are laid out on the number of requests due so far, Λ(t) = ∫ rate dt, and carried back through its
inverse: one request apart for `constant`, exponentially distributed gaps for `poisson` (the inversion method for
non-homogeneous Poisson processes, Çinlar 1975).
"""

import math
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

Arrivals = Literal["poisson", "constant"]


class Piece(NamedTuple):
    """A stretch of `duration_s` seconds in which the rate (requests a second) changes linearly."""

    duration_s: float
    from_rps: float
    to_rps: float

    @property
    def requests(self) -> float:
        """The number of requests that are due in the piece: the integral of the rate."""
        return self.duration_s * (self.from_rps + self.to_rps) / 2

    def time_of_s(self, requests: float) -> float:
        """Seconds from the start of the piece until `requests` requests have been due."""
        slope = (self.to_rps - self.from_rps) / self.duration_s
        if slope == 0 or requests == 0:
            return requests / self.from_rps if requests else 0.0
        # The root t of from·t + slope/2·t² = requests, in the form that keeps its digits for small slopes.
        return 2 * requests / (self.from_rps + math.sqrt(max(0.0, self.from_rps**2 + 2 * slope * requests)))


def arrival_times_s(pieces: Sequence[Piece], arrivals: Arrivals, seed: str) -> Iterator[float]:
    """Yield the seconds at which requests are due, in order; the same seed gives the same times."""
    generator = random.Random(seed)
    due = _gap(generator, arrivals) if arrivals == "poisson" else 0.0
    piece_start_s = requests_before = 0.0
    for piece in pieces:
        while due < requests_before + piece.requests:
            yield piece_start_s + piece.time_of_s(due - requests_before)
            due += _gap(generator, arrivals)
        piece_start_s, requests_before = piece_start_s + piece.duration_s, requests_before + piece.requests


def _gap(generator: random.Random, arrivals: Arrivals) -> float:
    return generator.expovariate(1.0) if arrivals == "poisson" else 1.0


def share_of_process(times_s: Iterator[float], process: int, processes: int) -> Iterator[float]:
    """Yield every `processes`-th time, from number `process` on: together the processes keep the whole schedule."""
    return islice(times_s, process, None, processes)

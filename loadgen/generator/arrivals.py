"""When the requests of an open load are due: a rate over time, and the instants that follow from it.

The rate is made of pieces in which it changes linearly, so that one description covers a constant rate, steps and
ramps. Arrivals are laid out on the number of requests due so far, Λ(t) = ∫ rate, and carried back through its inverse:
one apart for `constant`, exponentially distributed gaps for `poisson` (the inversion method for non-homogeneous
Poisson processes, Çinlar 1975).
"""

import math
import random
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

Arrivals = Literal["poisson", "constant"]


class Piece(NamedTuple):
    """So many seconds, in which the rate goes from one figure to another (requests a second)."""

    duration_s: float
    from_rps: float
    to_rps: float

    @property
    def requests(self) -> float:
        return self.duration_s * (self.from_rps + self.to_rps) / 2

    def after(self, requests: float) -> float:
        """Seconds from the beginning of the piece until so many requests have been due."""
        slope = (self.to_rps - self.from_rps) / self.duration_s
        if slope == 0 or requests == 0:
            return requests / self.from_rps if requests else 0.0
        # The root of from·t + slope/2·t² = requests, in the form that keeps its digits for small slopes.
        return 2 * requests / (self.from_rps + math.sqrt(max(0.0, self.from_rps**2 + 2 * slope * requests)))


def instants_s(pieces: Sequence[Piece], arrivals: Arrivals, seed: str) -> Iterator[float]:
    """The seconds at which requests are due, in order, the same again from the same seed."""
    gaps = random.Random(seed)
    due, begun_s, begun = _gap(gaps, arrivals) if arrivals == "poisson" else 0.0, 0.0, 0.0
    for piece in pieces:
        while due < begun + piece.requests:
            yield begun_s + piece.after(due - begun)
            due += _gap(gaps, arrivals)
        begun_s, begun = begun_s + piece.duration_s, begun + piece.requests


def _gap(gaps, arrivals):
    return gaps.expovariate(1.0) if arrivals == "poisson" else 1.0


def share(instants: Iterator[float], index: int, processes: int) -> Iterator[float]:
    """Those of one process among several: each takes its turn, so that together they keep the whole schedule."""
    return (instant for number, instant in enumerate(instants) if number % processes == index)

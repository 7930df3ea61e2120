"""Change points of a series: the places at which its mean shifts, and whether it drifts instead.

The method is E-divisive (`energy_split`) with Student's t, as Apache Otava applies it (docs/MATH.md there): the series
is divided at its best place, and each piece in the same way, as long as the place is significant; then the weakest
place that is not significant between its neighbours goes, until each is. In a family of series with C candidates in all
(`candidates`) the limit of p is L = α/(2·C), so that any place of series in which nothing changed stands there with a
probability of at most α, for independent values (Bonferroni). A piece with c candidate places is divided at one where

    p ≤ L            of all values before the place and all after it, or
    p ≤ 2·L/(c + 1)  of all values before it and those up to the end κ that E-divisive chose, one of c·(c + 1)/2 pairs

The second sees a change that was undone later. What stays has p ≤ L by `mean_shift`, which allows for neighbours that
resemble each other. Stricter than there, too:

- Each side has at least `MIN_VALUES` values: one odd value is no change.
- The step makes the values between its neighbours at least as likely as a straight line does, with normal errors:
  what drifts has no place at which it changed. It `is_step` where it makes them `MIN_EVIDENCE` times as likely;
  below that a drift explains them too. The likelihood ratio is (S_line/S_step)^(n/2), with S sums of squared distances
  of n values.

A drift is the slope of the line in a piece without a place: it stands where p ≤ L and the line makes the piece more
likely than the best step does. It is one candidate of its piece.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .energy_split import best_split
from .mean_shift import MeanShift, dependence, mean_shift, students_p, two_sided_p

MIN_VALUES = 4  # on each side of a place
LEVEL = 0.05  # α, of a family of series
MIN_EVIDENCE = 100.0  # how many times as likely as a line a step has to make the values, to be nothing but a step


@dataclass(frozen=True)
class ChangePoint:
    """A place: the index of the first value after it, the shift there, and log likelihood of the step over the line."""

    index: int
    shift: MeanShift
    evidence: float

    @property
    def is_step(self) -> bool:
        """False where a drift explains the values about as well."""
        return self.evidence >= math.log(MIN_EVIDENCE)


@dataclass(frozen=True)
class Drift:
    """A steady change from the value at `start` to the one before `stop`: the ends of the line, and p of its slope."""

    start: int
    stop: int
    first: float
    last: float
    p_value: float


def candidates(count: int) -> int:
    """Return the candidate places of a series of so many values, its drift included; 0 for one that is too short."""
    return _places(count) + 1 if count >= 2 * MIN_VALUES else 0


def p_limit(count: int) -> float:
    """Return L, the limit of p in a family with so many candidates."""
    return LEVEL / (2 * max(count, 1))


def corrected(p_value: float, count: int) -> float:
    """Return p times 2·C for C candidates: what is compared with α."""
    return min(1.0, p_value * 2 * count)


def change_points(values: Sequence[float] | np.ndarray, limit: float) -> list[ChangePoint]:
    """Return the places at which the mean of a series shifts, in their order; `limit` is `p_limit` of its family."""
    series = np.asarray(values, dtype=float)
    places = _significant_places(series, 0, len(series), limit)
    while True:
        points = [_point(series, *bounds) for bounds in _neighbours(places, len(series))]
        failing = [point for point in points if point.shift.p_value > limit or point.evidence < 0]
        if not failing:
            return points
        places.remove(max(failing, key=lambda point: point.shift.p_value).index)


def drifts(values: Sequence[float] | np.ndarray, points: Iterable[ChangePoint], limit: float) -> list[Drift]:
    """Return the drifts of the pieces between change points, in their order."""
    series = np.asarray(values, dtype=float)
    bounds = [0, *(point.index for point in points), len(series)]
    pieces = ((start, stop) for start, stop in pairwise(bounds) if stop - start >= 2 * MIN_VALUES)
    return [drift for piece in pieces if (drift := _drift(series, *piece)) and drift.p_value <= limit]


def is_unsettled(values: Sequence[float] | np.ndarray, limit: float) -> bool:
    """True for a series that would have a change point if its values were independent, whether it has one or not."""
    series = np.asarray(values, dtype=float)
    return bool(_significant_places(series, 0, len(series), limit))


def _places(count: int) -> int:
    return max(0, count - 2 * MIN_VALUES + 1)


def _significant_places(series: np.ndarray, start: int, stop: int, limit: float) -> list[int]:
    split = best_split(series[start:stop], MIN_VALUES)
    if split is None:
        return []
    place, end = start + split.place, start + split.end
    before, after = series[start:place], series[place:stop]
    limit_up_to_end = 2 * limit / (_places(stop - start) + 1)
    if students_p(before, after) > limit and students_p(before, series[place:end]) > limit_up_to_end:
        return []
    left, right = ((start, place), (place, stop))
    return [*_significant_places(series, *left, limit), place, *_significant_places(series, *right, limit)]


def _neighbours(places: Sequence[int], count: int) -> list[tuple[int, int, int]]:
    """Each place between the one before it and the one after it, or the ends of the series."""
    bounds = [0, *places, count]
    return list(zip(bounds, bounds[1:], bounds[2:], strict=False))


def _point(series: np.ndarray, start: int, place: int, stop: int) -> ChangePoint:
    before, after = series[start:place], series[place:stop]
    step = np.concatenate([before - before.mean(), after - after.mean()])
    return ChangePoint(place, mean_shift(before, after), _evidence(step, _line(series[start:stop])[1]))


def _evidence(step: np.ndarray, line: np.ndarray) -> float:
    """Logarithm of the likelihood ratio of two fits, by the distances of the values from each."""
    of_step, of_line = float(step @ step), float(line @ line)
    if of_step == 0:
        return math.inf
    return len(step) / 2 * math.log(of_line / of_step) if of_line else -math.inf


def _drift(series: np.ndarray, start: int, stop: int) -> Drift | None:
    """The drift of a piece, whatever its p; None where the best step makes it at least as likely."""
    piece = series[start:stop]
    (first, last), distances = _line(piece)
    split = best_split(piece, MIN_VALUES)
    assert split is not None
    if _point(series, start, start + split.place, stop).evidence >= 0:
        return None
    times = np.arange(len(piece)) - (len(piece) - 1) / 2
    inflation, df = dependence(distances, fitted=2)
    variance = float(distances @ distances) / (len(piece) - 2) / float(times @ times)
    slope = (last - first) / (len(piece) - 1)
    return Drift(start, stop, first, last, two_sided_p(slope, inflation * math.sqrt(variance), df))


def _line(piece: np.ndarray) -> tuple[tuple[float, float], np.ndarray]:
    """The ends of the line through a piece by least squares, and the distances of the values from it."""
    times = np.arange(len(piece)) - (len(piece) - 1) / 2
    fitted = piece.mean() + times * float(times @ piece) / float(times @ times)
    return (float(fitted[0]), float(fitted[-1])), piece - fitted

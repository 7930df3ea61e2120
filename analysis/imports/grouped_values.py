"""Values of which a file has percentiles and a mean only, as single values with the same percentiles and mean.

The counts between two percentiles are known, and their values are not. Each group gets values between its ends, so that
the last one is the upper end: value number j of n is low + (high - low) · (j/n)^g. One exponent g for all groups gives
the values the mean that the file states; 1 spreads them evenly, where no mean is stated or none fits.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MAX_VALUES = 20_000_000  # of one file
MAX_EXPONENT, STEPS = 64.0, 60  # of the search for g


class Step(NamedTuple):
    """A percentile: `cumulative` values are at most `value`."""

    cumulative: int
    value: float


def spread(steps: Sequence[Step], low: float, mean: float | None = None) -> np.ndarray:
    """The values of a distribution whose smallest one is `low`, in ascending order."""
    groups = _groups(steps, low)
    exponent = _exponent(groups, mean) if mean is not None else 1.0
    return np.concatenate([_values(group, exponent) for group in groups]) if groups else np.array([])


class _Group(NamedTuple):
    number: int
    low: float
    high: float


def _groups(steps: Sequence[Step], low: float) -> list[_Group]:
    """The values between each percentile and the one before it; a step back, which rounding may make, is none."""
    groups, count = [], 0
    for step in steps:
        high = max(step.value, low)
        if step.cumulative > count:
            groups.append(_Group(step.cumulative - count, low, high))
            count = step.cumulative
        low = high
    return groups


def _values(group: _Group, exponent: float) -> np.ndarray:
    shares = np.arange(1, group.number + 1) / group.number
    return group.low + (group.high - group.low) * shares**exponent


def _exponent(groups: Sequence[_Group], mean: float) -> float:
    """The exponent that gives all values this mean, by bisection on its logarithm; the nearest where none does."""
    total = mean * sum(group.number for group in groups)
    low, high = 1 / MAX_EXPONENT, MAX_EXPONENT
    for _ in range(STEPS):
        middle = float(np.sqrt(low * high))
        if sum(float(_values(group, middle).sum()) for group in groups) > total:
            low = middle  # a larger exponent gives smaller values
        else:
            high = middle
    return float(np.sqrt(low * high))

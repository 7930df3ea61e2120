"""The place that divides a series best into two pieces: the statistic of E-divisive.

Matteson and James (2014, doi:10.1080/01621459.2013.849605) compare two neighbouring pieces X = x_s … x_(τ−1) and
Y = x_τ … x_(κ−1) by their energy distance, here with its exponent α = 1:

    Q(τ, κ) = m·k/(m + k)·(2·A − B − C)

    m, k  numbers of values of X and of Y
    A     mean of |x − y| over all pairs of a value of X and one of Y
    B, C  mean of |x − x′| over all pairs within X, and within Y; 0 for a single value

The best place is the τ of the largest Q over all τ and κ. Y may end before the series does, so that a second change
behind it does not hide the first.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Split(NamedTuple):
    """The index of the first value of Y, and the index behind its last one."""

    place: int
    end: int


def best_split(values: Sequence[float] | np.ndarray, min_values: int) -> Split | None:
    """Return where a series divides best, with at least `min_values` on each side; None for a shorter series."""
    series = np.asarray(values, dtype=float)
    if len(series) < 2 * min_values:
        return None
    sums = _block_sums(series)
    place = np.arange(min_values, len(series) - min_values + 1)[:, None]
    end = np.arange(2 * min_values, len(series) + 1)[None, :]
    left, right = place, end - place
    in_left = sums[place, place]
    across = sums[place, end] - in_left
    in_right = sums[end, end] - 2 * sums[place, end] + in_left
    counted = np.maximum(right, 1)
    distance = 2 * across / (left * counted) - _pair_mean(in_left, left) - _pair_mean(in_right, counted)
    energy = np.where(right >= min_values, left * counted / (left + counted) * distance, -np.inf)
    row, column = np.unravel_index(np.argmax(energy), energy.shape)
    return Split(int(place[row, 0]), int(end[0, column]))


def _block_sums(series: np.ndarray) -> np.ndarray:
    """Sums of |x_i − x_j| over i < a and j < b, at [a, b]."""
    sums = np.zeros((len(series) + 1, len(series) + 1))
    sums[1:, 1:] = np.abs(np.subtract.outer(series, series)).cumsum(axis=0).cumsum(axis=1)
    return sums


def _pair_mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Mean over all pairs of different values; `total` counts each pair in both orders."""
    return total / np.maximum(count * (count - 1), 1)

"""The slope of a resource over time, with an interval for readings that depend on each other.

Readings a second apart are no independent observations: a pool that has grown stays grown for a while, and what is
recycled rises and falls like a saw. The standard error of least squares for independent readings would be far too
small. Two others are computed, and the wider interval counts: each is right where the other may be too narrow.

Batch means (Law and Kelton 2000, 9.5.3): the readings in B batches of equal length, and least squares over their means:

    b  = Σ (t_k − t̄)·(y_k − ȳ) / S,   S = Σ (t_k − t̄)²
    se = √(Σ e_k² / (B − 2) / S),      df = B − 2

    t_k, y_k  mean time (s) and mean value of batch k;  e_k  its distance from the line

A batch that is longer than the readings depend on each other is nearly independent of the next one.

First-order autoregression (Cochrane and Orcutt 1949): each reading's distance u_i from the line is ρ·u_(i−1) plus an
independent error. For n readings with the sum of squares S_n of their times the slope has the standard error of
independent readings times √((1 + ρ)/(1 − ρ)), and n·(1 − ρ)/(1 + ρ) − 2 degrees of freedom. ρ, as estimated from
distances to a line that was fitted, is too small by about (2 + 4ρ)/n (Kendall 1954), and corrected by that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

BATCHES = 8
MIN_READINGS = 5 * BATCHES
MAX_RHO = 0.99  # beyond it the readings are a random walk, and no slope can be known from them
MIN_DF = 2.0
LEVEL = 0.90  # of the interval: its ends are those of two one-sided tests at 5 % each


@dataclass(frozen=True)
class Slope:
    """Change of a value a second: the estimate, and the ends of its interval at `LEVEL`."""

    estimate: float
    low: float
    high: float

    def over(self, seconds: float) -> "Slope":
        """The change over so many seconds."""
        return Slope(self.estimate * seconds, self.low * seconds, self.high * seconds)


def slope(seconds: Sequence[float] | np.ndarray, values: Sequence[float] | np.ndarray) -> Slope | None:
    """The slope of `values` read at these times; None for fewer than `MIN_READINGS`."""
    times, readings = np.asarray(seconds, dtype=float), np.asarray(values, dtype=float)
    if len(times) < MIN_READINGS:
        return None
    batches = [(times[part].mean(), readings[part].mean()) for part in np.array_split(np.arange(len(times)), BATCHES)]
    estimate, std_error = _least_squares(*map(np.array, zip(*batches, strict=True)))
    half_width = _quantile(BATCHES - 2) * std_error
    half_width = max(half_width, _autoregressive_half_width(times, readings))
    return Slope(estimate, estimate - half_width, estimate + half_width)


def _least_squares(times: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Slope and standard error of a line through independent values."""
    apart = times - times.mean()
    squares = float(apart @ apart)
    estimate = float(apart @ values) / squares
    distances = values - values.mean() - estimate * apart
    return estimate, math.sqrt(float(distances @ distances) / (len(times) - 2) / squares)


def _autoregressive_half_width(times: np.ndarray, values: np.ndarray) -> float:
    estimate, std_error = _least_squares(times, values)
    if std_error == 0:
        return 0.0
    distances = values - values.mean() - estimate * (times - times.mean())
    rho = float(distances[1:] @ distances[:-1] / (distances @ distances))
    rho = min(max(0.0, rho + (2 + 4 * rho) / len(times)), MAX_RHO)
    inflation = (1 + rho) / (1 - rho)
    df = max(MIN_DF, len(times) / inflation - 2)
    return _quantile(df) * std_error * math.sqrt(inflation)


def _quantile(df: float) -> float:
    return float(special.stdtrit(df, (1 + LEVEL) / 2))

"""The shift of the mean between two neighbouring pieces of a series, with a test that neighbours may resemble.

Apache Otava tests a place by Student's t (docs/MATH.md there; Fleming et al. 2023, arXiv:2301.03034), for two samples
with a common variance:

    t = d/SE,   d = ȳ − x̄,   SE = s·√(1/m + 1/k),   df = m + k − 2

    m, k  numbers of values before and after; x̄, ȳ their means
    s²    sum of the squared distances from the mean of their own side, over m + k − 2

Experiments of one day share the state of the machine, so a value resembles its neighbour. With a first-order
autocorrelation ρ of the distances from the means, the standard error is √((1 + ρ)/(1 − ρ)) times as large, and s² has
(m + k)·(1 − ρ²)/(1 + ρ²) − 2 degrees of freedom (Bayley and Hammersley 1946). ρ, as estimated from distances to means
that were estimated too, is too small by about (2 + 4·ρ)/(m + k) (Kendall 1954), and is corrected by that; a negative
one counts as 0.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

MAX_RHO = 0.9
MIN_DF = 2.0


@dataclass(frozen=True)
class MeanShift:
    """Means of both sides, numbers of values, standard error of the difference, its degrees of freedom, and p."""

    before: float
    after: float
    count_before: int
    count_after: int
    std_error: float
    df: float

    @property
    def difference(self) -> float:
        """Mean after less mean before."""
        return self.after - self.before

    @property
    def p_value(self) -> float:
        """Two-sided p of no difference; 0 where the values of each side are equal and those of both are not."""
        return two_sided_p(self.difference, self.std_error, self.df)

    def interval(self, level: float) -> tuple[float, float]:
        """Both ends of the interval of the difference."""
        half_width = float(special.stdtrit(self.df, (1 + level) / 2)) * self.std_error
        return self.difference - half_width, self.difference + half_width


def mean_shift(before: np.ndarray, after: np.ndarray) -> MeanShift:
    """Return the shift between two pieces of at least two values each, whose neighbours may resemble each other."""
    std_error, distances = _pooled(before, after)
    inflation, df = dependence(distances, fitted=2)
    means = float(before.mean()), float(after.mean())
    return MeanShift(*means, len(before), len(after), std_error * inflation, df)


def students_p(before: np.ndarray, after: np.ndarray) -> float:
    """Return the p of Student's t for independent values, at least two on each side."""
    std_error, distances = _pooled(before, after)
    return two_sided_p(float(after.mean() - before.mean()), std_error, len(distances) - 2)


def _pooled(before: np.ndarray, after: np.ndarray) -> tuple[float, np.ndarray]:
    """The standard error of the difference for independent values, and the distances from the means."""
    distances = np.concatenate([before - before.mean(), after - after.mean()])
    variance = float(distances @ distances) / (len(distances) - 2)
    return math.sqrt(variance * (1 / len(before) + 1 / len(after))), distances


def dependence(distances: np.ndarray, fitted: int) -> tuple[float, float]:
    """Return the factor of the standard error, and the degrees of freedom, of a fit with so many parameters.

    `distances` are those of successive values from what was fitted.
    """
    count, squares = len(distances), float(distances @ distances)
    rho = float(distances[1:] @ distances[:-1]) / squares if squares else 0.0
    rho = min(max(0.0, rho + (2 + 4 * rho) / count), MAX_RHO)
    df = count * (1 - rho**2) / (1 + rho**2) - fitted
    return math.sqrt((1 + rho) / (1 - rho)), max(MIN_DF, df)


def two_sided_p(difference: float, std_error: float, df: float) -> float:
    """Return the two-sided p of Student's t."""
    if std_error == 0:
        return float(difference == 0)
    return 2 * float(special.stdtr(df, -abs(difference) / std_error))

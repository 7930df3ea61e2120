"""Power of a paired or unpaired comparison: the smallest effect that it detects, and how many blocks would decide.

Symbols: SE is the standard error of a mean log ratio, without a unit, df its degrees of freedom, k the number of
blocks, T a variable with Student's t-distribution, α a significance level.

SE is estimated from few blocks and is too small in more than half of the experiments. Both answers therefore take its
upper 80 % bound, SE·√(df/χ²), with χ² the quantile 0.2 of the chi-squared distribution with df degrees of freedom.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from .confidence import MIN_BLOCKS

POWER = 0.80
SPREAD_LEVEL = 0.80  # of the upper bound of the standard error
MAX_BLOCKS = 200
MAX_NONCENTRALITY = 8  # in critical values


@dataclass(frozen=True)
class PowerAnalysis:
    """What a comparison can detect.

    std_error, df, blocks: of the comparison
    alpha: level at which its ratio is tested
    equivalence_alpha: level at which its equivalence is tested
    log_margin: equivalence margin as a log ratio
    """

    std_error: float
    df: float
    blocks: int
    alpha: float
    equivalence_alpha: float
    log_margin: float

    @cached_property
    def minimum_detectable_effect(self) -> float:
        """The smallest ratio above 1 that the test detects with a power of 80 %."""
        return math.exp(minimum_detectable_log_ratio(self._upper_std_error, self.df, self.alpha))

    @cached_property
    def blocks_required(self) -> int | None:
        """The smallest number of blocks k′ that decides with a power of 80 %; None above `MAX_BLOCKS`.

        Both `power` at the log margin and `equivalence_power` reach it, with SE′ = SE·√(k/k′).
        """
        if not self.std_error:
            return MIN_BLOCKS
        blocks = np.arange(MIN_BLOCKS, MAX_BLOCKS + 1)
        errors = self._upper_std_error * np.sqrt(self.blocks / blocks)
        df = self.df * (blocks - 1) / (self.blocks - 1)
        detects = power(self.log_margin, errors, df, self.alpha)
        is_equivalent = equivalence_power(self.log_margin, errors, df, 1 - self.equivalence_alpha)
        decides = np.minimum(detects, is_equivalent) >= POWER
        return int(blocks[decides][0]) if decides.any() else None

    @property
    def _upper_std_error(self) -> float:
        return self.std_error * spread_factor(self.df)


def spread_factor(df: float) -> float:
    """Return the upper 80 % bound of a standard deviation over its estimate: √(df/χ²), χ² the quantile 0.2."""
    return math.sqrt(df / float(special.chdtri(df, SPREAD_LEVEL)))


def power(log_ratio: float, std_error: float | np.ndarray, df: float | np.ndarray, alpha: float) -> np.ndarray:
    """Return the power of the two-sided t-test at a true log ratio, for each standard error (above 0) and its df.

    1 − F(t_c; df, δ) + F(−t_c; df, δ), with δ = |log_ratio|/SE, F the distribution function of the noncentral t, and
    t_c the quantile 1 − α/2 of Student's t.
    """
    critical = special.stdtrit(df, 1 - alpha / 2)
    # Beyond this the power is 1 to the last digit, and the distribution function takes seconds.
    noncentrality = np.minimum(abs(log_ratio) / np.asarray(std_error), MAX_NONCENTRALITY * (1 + critical))
    # Some of the probabilities below 1e-19 come as NaN.
    missed, wrong_sign = (np.nan_to_num(special.nctdtr(df, noncentrality, end)) for end in (critical, -critical))
    return 1 - missed + wrong_sign


def minimum_detectable_log_ratio(std_error: float, df: float, alpha: float) -> float:
    """Return the smallest |log ratio| that the test at level α detects with a power of 80 %, at a known SE."""
    if not std_error:
        return 0.0
    from scipy import optimize  # a third of what scipy takes to be imported, for this function alone

    upper = 3 * std_error * special.stdtrit(df, 1 - alpha / 2) + 3 * std_error
    return float(optimize.brentq(lambda log_ratio: float(power(log_ratio, std_error, df, alpha)) - POWER, 0.0, upper))


def equivalence_power(
    log_margin: float, std_error: float | np.ndarray, df: float | np.ndarray, level: float
) -> np.ndarray:
    """Return the probability that the interval of a log ratio that is 0 lies within ±log_margin.

    2·P(T ≤ log_margin/SE − t) − 1 with t the quantile (1 + level)/2 of Student's t, and 0 where the half-width t·SE
    exceeds the margin. SE is taken as known.
    """
    error = np.asarray(std_error)
    slack = (log_margin - special.stdtrit(df, (1 + level) / 2) * error) / error
    return np.where(slack > 0, 2 * special.stdtr(df, slack) - 1, 0.0)

"""Effects of changes: a ratio with its interval, and a verdict.

A change is compared within each block, where both sides had the same schedule: the value of a block is the log ratio
ln(after/before) of a metric. Where the baseline ran twice in a block, `before` is the mean of both logarithms; the
ratio of the two, the A/A difference, is a comparison of its own.

Symbols: d̄ is a mean log ratio and SE its standard error, both without a unit, df the degrees of freedom of SE, k the
number of blocks, T a variable with Student's t-distribution, α the significance level.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from .confidence import LEVEL, MIN_BLOCKS

POWER = 0.80
MAX_BLOCKS = 200
Verdict = Literal["improvement", "regression", "equivalent", "inconclusive"]


@dataclass(frozen=True)
class Effect:
    """The effect of one change on one metric.

    `ratio` is after over before, with its interval at `level`. `p` is that of the t-test of a ratio of 1, `p_holm` the
    same after Holm's correction over the comparisons of its table. `minimum_detectable_effect` is the smallest ratio
    above 1 that the test detects with a power of 80 %. `blocks_required` is the number of blocks that decide with that
    power: they detect an effect as large as the equivalence margin, and call no effect equivalent; None for more than
    `MAX_BLOCKS`. Below `MIN_BLOCKS` blocks all of these but the ratio are None. `reason` says why an improvement became
    inconclusive, where more requests failed (`noninferiority`).
    """

    name: str
    ratio: float
    blocks: int
    verdict: Verdict
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    minimum_detectable_effect: float | None = None
    blocks_required: int | None = None
    level: float = LEVEL
    reason: str = ""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end of the ratio."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True)
class Comparison:
    """A mean log ratio (after over before) from `blocks` blocks, with its standard error and degrees of freedom."""

    mean: float
    std_error: float
    df: float
    blocks: int

    @property
    def p(self) -> float:
        """Two-sided p of Student's t-test that the ratio is 1: 2·P(T ≤ −|d̄|/SE)."""
        if not self.std_error:  # a count without any noise
            return 0.0 if self.mean else 1.0
        return float(2 * special.stdtr(self.df, -abs(self.mean) / self.std_error))

    def half_width(self, level: float) -> float:
        """Half-width t·SE of the interval of the log ratio, with t the quantile (1 + level)/2 of Student's t."""
        return float(special.stdtrit(self.df, (1 + level) / 2)) * self.std_error


def paired(log_ratios: ArrayLike) -> Comparison:
    """Compare two sides that ran in the same blocks, from one log ratio a block: SE = s/√k, df = k − 1.

    s is the standard deviation of the log ratios, divisor k − 1.
    """
    logs = np.asarray(log_ratios, dtype=float)
    deviation = float(logs.std(ddof=1)) if len(logs) > 1 else 0.0
    return Comparison(float(logs.mean()), deviation / math.sqrt(len(logs)), len(logs) - 1, len(logs))


def unpaired(before: ArrayLike, after: ArrayLike) -> Comparison:
    """Compare two sides without common blocks (Welch 1947), from the logarithms of the values of their blocks.

    SE² = v₁ + v₂ and df = SE⁴ / (v₁²/(k₁ − 1) + v₂²/(k₂ − 1)), with vᵢ the variance of the logarithms of side i over
    its number of blocks kᵢ.
    """
    sides = [np.asarray(logs, dtype=float) for logs in (before, after)]
    variances = [float(logs.var(ddof=1)) / len(logs) if len(logs) > 1 else 0.0 for logs in sides]
    blocks, variance = min(map(len, sides)), sum(variances)
    parts = [part**2 / (len(logs) - 1) for part, logs in zip(variances, sides, strict=True) if len(logs) > 1]
    df = variance**2 / sum(parts) if sum(parts) else max(blocks - 1, 0)
    return Comparison(float(sides[1].mean() - sides[0].mean()), math.sqrt(variance), df, blocks)


def evaluate(
    comparisons: Mapping[str, Comparison],
    *,
    equivalence_margin: float,
    lower_is_better: bool = True,
    level: float = LEVEL,
) -> list[Effect]:
    """Return the effects of the comparisons of one table, in its order; Holm's correction is over all of them.

    The verdict is *equivalent* where the interval lies within [1/(1 + margin), 1 + margin], as in two one-sided tests
    at (1 − level)/2 each (Schuirmann 1987); else *improvement* or *regression* where the corrected p is at most
    1 − level; else *inconclusive*, as it always is below `MIN_BLOCKS` blocks.
    """
    tested = [name for name, comparison in comparisons.items() if comparison.blocks >= MIN_BLOCKS]
    adjusted = holm([comparisons[name].p for name in tested])
    corrected = dict(zip(tested, zip(adjusted, _step_levels(adjusted, 1 - level), strict=True), strict=True))
    return [
        _effect(name, comparison, *corrected[name], equivalence_margin, lower_is_better, level)
        if name in corrected
        else Effect(name, math.exp(comparison.mean), comparison.blocks, "inconclusive", level=level)
        for name, comparison in comparisons.items()
    ]


def _effect(
    name: str,
    comparison: Comparison,
    p_holm: float,
    alpha: float,
    equivalence_margin: float,
    lower_is_better: bool,
    level: float,
) -> Effect:
    half_width = comparison.half_width(level)
    low, high = math.exp(comparison.mean - half_width), math.exp(comparison.mean + half_width)
    effect = Effect(
        name=name,
        ratio=math.exp(comparison.mean),
        blocks=comparison.blocks,
        verdict="inconclusive",
        low=low,
        high=high,
        p=comparison.p,
        p_holm=p_holm,
        minimum_detectable_effect=math.exp(minimum_detectable_log_ratio(comparison, alpha)),
        blocks_required=blocks_required(comparison, math.log1p(equivalence_margin), alpha, level),
        level=level,
    )
    if 1 / (1 + equivalence_margin) <= low and high <= 1 + equivalence_margin:
        return replace(effect, verdict="equivalent")
    if p_holm > 1 - level:
        return effect
    return replace(effect, verdict="improvement" if (effect.ratio < 1) == lower_is_better else "regression")


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for several comparisons by Holm's step-down (1979); returns them in the order given.

    p_holm(i) = max over j ≤ i of min(1, (m − j + 1)·p(j)), with p(j) the j-th smallest of m.
    """
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = highest
    return adjusted


def _step_levels(adjusted: Sequence[float], alpha: float) -> list[float]:
    """Level of each comparison in Holm's step-down: the k-th smallest p of m is compared with α/(m − k + 1).

    With r of m comparisons not rejected: α/r for those, as the smallest p among them was compared with that, and
    α/(r + 1) for a rejected one.
    """
    not_rejected = len(adjusted) - sum(p <= alpha for p in adjusted)
    return [alpha / (not_rejected + (p <= alpha)) for p in adjusted]


def power(log_ratio: float, std_error: float | np.ndarray, df: float | np.ndarray, alpha: float) -> np.ndarray:
    """Return the power of the two-sided t-test at a true log ratio, for each standard error (above 0) and its df.

    1 − F(t_c; df, δ) + F(−t_c; df, δ), with δ = |log_ratio|/SE, F the distribution function of the noncentral t, and
    t_c the quantile 1 − α/2 of Student's t.
    """
    critical, noncentrality = special.stdtrit(df, 1 - alpha / 2), abs(log_ratio) / np.asarray(std_error)
    # Some of the probabilities below 1e-19 come as NaN.
    missed, wrong_sign = (np.nan_to_num(special.nctdtr(df, noncentrality, end)) for end in (critical, -critical))
    return 1 - missed + wrong_sign


def minimum_detectable_log_ratio(comparison: Comparison, alpha: float) -> float:
    """Return the smallest |log ratio| that the test at level α detects with a power of 80 %."""
    std_error, df = comparison.std_error, comparison.df
    if not std_error:
        return 0.0
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


def blocks_required(comparison: Comparison, log_margin: float, alpha: float, level: float = LEVEL) -> int | None:
    """Return the smallest number of blocks k′ that decides with a power of 80 %; None above `MAX_BLOCKS`.

    Both `power` at the log margin and `equivalence_power` reach it, with SE′ = SE·√(k/k′): further blocks are taken to
    scatter as the measured ones do.
    """
    if not comparison.std_error:
        return MIN_BLOCKS
    blocks = np.arange(MIN_BLOCKS, MAX_BLOCKS + 1)
    errors = comparison.std_error * np.sqrt(comparison.blocks / blocks)
    df = comparison.df * (blocks - 1) / (comparison.blocks - 1)
    detects, is_equivalent = power(log_margin, errors, df, alpha), equivalence_power(log_margin, errors, df, level)
    decides = np.minimum(detects, is_equivalent) >= POWER
    return int(blocks[decides][0]) if decides.any() else None

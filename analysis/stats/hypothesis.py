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
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .confidence import LEVEL, MIN_BLOCKS
from .power import PowerAnalysis

KNOWN_DF = 1e6  # degrees of freedom of a standard error that is known
Verdict = Literal["improvement", "regression", "equivalent", "inconclusive", "reported"]


@dataclass(frozen=True)
class Effect:
    """The effect of one change on one metric.

    `ratio` is after over before, with its interval at `level`. `p` is that of the t-test of a ratio of 1, `p_holm` the
    same after Holm's correction over all comparisons of its family. `p_equivalence` is that of the two one-sided tests
    of equivalence, doubled and corrected likewise. `power` says what such an experiment detects. Below `MIN_BLOCKS`
    blocks all of these but the ratio are None. The verdict *reported* is none: the metric was not declared as primary,
    so the effect has an interval, and no p. `reason` says why an improvement became
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
    p_equivalence: float | None = None
    power: PowerAnalysis | None = None
    level: float = LEVEL
    reason: str = ""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end of the ratio."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def minimum_detectable_effect(self) -> float | None:
        """The smallest ratio above 1 that the test detects with a power of 80 %."""
        return None if self.power is None else self.power.minimum_detectable_effect

    @property
    def blocks_required(self) -> int | None:
        """The blocks that detect an effect of the margin, and call no effect equivalent; None for over `MAX_BLOCKS`."""
        return None if self.power is None else self.power.blocks_required


@dataclass(frozen=True)
class Comparison:
    """A mean log ratio (after over before) from `blocks` blocks, with its standard error and degrees of freedom."""

    mean: float
    std_error: float
    df: float
    blocks: int

    @property
    def p(self) -> float:
        """Two-sided p of Student's t-test that the ratio is 1: 2·P(T ≤ −|d̄|/SE).

        Where all blocks agree exactly SE is no measure of noise: then that of the sign test, 2·2⁻ᵏ.
        """
        if not self.std_error:
            return min(1.0, 2.0 ** (1 - self.blocks)) if self.mean else 1.0
        return float(2 * special.stdtr(self.df, -abs(self.mean) / self.std_error))

    def p_equivalence(self, log_margin: float) -> float:
        """Twice the p of the two one-sided tests that the log ratio is beyond ±log_margin (Schuirmann 1987).

        2·P(T ≥ (log_margin − |d̄|)/SE): at most 1 − level where the interval at that level lies within the margin.
        """
        slack = log_margin - abs(self.mean)
        if not self.std_error:
            return 0.0 if slack >= 0 else 1.0
        return min(1.0, float(2 * special.stdtr(self.df, -slack / self.std_error)))

    def half_width(self, level: float) -> float:
        """Half-width t·SE of the interval of the log ratio, with t the quantile (1 + level)/2 of Student's t."""
        return float(special.stdtrit(self.df, (1 + level) / 2)) * self.std_error


class ComparisonTable(NamedTuple):
    """The comparisons of one metric by name, with the margin within which a ratio counts as equivalent to 1."""

    comparisons: Mapping[str, Comparison]
    equivalence_margin: float
    lower_is_better: bool = True


def count_resolution(*counts: ArrayLike) -> np.ndarray:
    """Return the change of a log ratio by one count on each side, √Σ 1/c²; c is infinite where nothing is counted."""
    return np.sqrt(sum(np.square(1 / np.maximum(np.asarray(side, dtype=float), 1.0)) for side in counts))


def paired(log_ratios: ArrayLike, resolution: ArrayLike = 0.0) -> Comparison:
    """Compare two sides that ran in the same blocks, from one log ratio a block: SE = max(s/√k, r/k), df = k − 1.

    s is the standard deviation of the log ratios, divisor k − 1. r is the root mean square over the blocks of
    `resolution`, the change of a log ratio by one count: r/k is one count in all blocks together. Counts that tie by
    chance in all blocks have s = 0. `count_resolution` computes r.
    """
    logs = np.asarray(log_ratios, dtype=float)
    blocks = len(logs)
    variance = float(logs.var(ddof=1)) if blocks > 1 else 0.0
    variance = max(variance, float(np.mean(np.square(resolution))) / blocks)
    return Comparison(float(logs.mean()), math.sqrt(variance / blocks), blocks - 1, blocks)


def unpaired(before: ArrayLike, after: ArrayLike, resolutions: tuple[ArrayLike, ArrayLike] = (0.0, 0.0)) -> Comparison:
    """Compare two sides without common blocks (Welch 1947), from the logarithms of the values of their blocks.

    SE² = v₁ + v₂ and df = SE⁴ / (v₁²/(k₁ − 1) + v₂²/(k₂ − 1)), with vᵢ the variance of the logarithms of side i over
    its number of blocks kᵢ. The standard error √vᵢ of a side is at least that of one count, as in `paired`.
    """
    sides = [paired(logs, resolution) for logs, resolution in zip((before, after), resolutions, strict=True)]
    variances, blocks = [side.std_error**2 for side in sides], min(side.blocks for side in sides)
    variance = sum(variances)
    parts = [part**2 / side.df for part, side in zip(variances, sides, strict=True) if side.df]
    df = variance**2 / sum(parts) if sum(parts) else max(blocks - 1, 0)
    return Comparison(sides[1].mean - sides[0].mean, math.sqrt(variance), df, blocks)


def against_one_run(log_ratios: ArrayLike, runs_a_block: int, resolution: float) -> Comparison:
    """Compare the values of blocks, as log ratios to the value of one other run, with that run.

    SE = s·√(r + 1/k), df = k − 1, with s the standard deviation of the k log ratios, each the mean of r =
    `runs_a_block` runs: the other run scatters as well, with at most r times the variance of the mean of a block (Hahn
    and Meeker 1991). SE is at least `resolution`, the change by one count of one run; that is not estimated, so its df
    are as good as infinite.
    """
    own = paired(log_ratios)
    std_error = own.std_error * math.sqrt(runs_a_block * own.blocks + 1)
    return (
        replace(own, std_error=std_error)
        if std_error >= resolution
        else replace(own, std_error=resolution, df=KNOWN_DF)
    )


def evaluate(
    comparisons: Mapping[str, Comparison],
    *,
    equivalence_margin: float,
    lower_is_better: bool = True,
    level: float = LEVEL,
) -> list[Effect]:
    """Return the effects of the comparisons of one table that is a family of its own, in its order."""
    return evaluate_family([ComparisonTable(comparisons, equivalence_margin, lower_is_better)], level)[0]


def evaluate_family(tables: Sequence[ComparisonTable], level: float = LEVEL) -> list[list[Effect]]:
    """Return the effects of each table; Holm's correction is over all comparisons of all tables.

    With α = 1 − level the verdict is *equivalent* where the corrected p of equivalence is at most α; else *improvement*
    or *regression* where the corrected p of the ratio is at most α; else *inconclusive*, as it always is below
    `MIN_BLOCKS` blocks. Any false improvement or regression in the family has a probability of at most α, and any
    false *equivalent* of at most α/2.
    """
    tested = [
        (table, comparison)
        for table in tables
        for comparison in table.comparisons.values()
        if comparison.blocks >= MIN_BLOCKS
    ]
    ratios = _corrected([comparison.p for _, comparison in tested], 1 - level)
    margins = [math.log1p(table.equivalence_margin) for table, _ in tested]
    p_equivalence = [each.p_equivalence(margin) for (_, each), margin in zip(tested, margins, strict=True)]
    steps = iter(zip(ratios, _corrected(p_equivalence, 1 - level), strict=True))
    return [
        [
            _effect(name, comparison, table, *next(steps), level)
            if comparison.blocks >= MIN_BLOCKS
            else Effect(name, math.exp(comparison.mean), comparison.blocks, "inconclusive", level=level)
            for name, comparison in table.comparisons.items()
        ]
        for table in tables
    ]


def reported(name: str, comparison: Comparison, level: float = LEVEL) -> Effect:
    """Return the effect on a metric that is not primary: a ratio, with its interval from `MIN_BLOCKS` blocks on."""
    effect = Effect(name, math.exp(comparison.mean), comparison.blocks, "reported", level=level)
    if comparison.blocks < MIN_BLOCKS:
        return effect
    half_width = comparison.half_width(level)
    return replace(effect, low=math.exp(comparison.mean - half_width), high=math.exp(comparison.mean + half_width))


class _Step(NamedTuple):
    """Holm's corrected p of one comparison, and the level with which its own p was compared."""

    p: float
    alpha: float


def _effect(
    name: str, comparison: Comparison, table: ComparisonTable, ratio: _Step, equivalence: _Step, level: float
) -> Effect:
    half_width, log_margin = comparison.half_width(level), math.log1p(table.equivalence_margin)
    return Effect(
        name=name,
        ratio=math.exp(comparison.mean),
        blocks=comparison.blocks,
        verdict=_verdict(comparison.mean < 0, table.lower_is_better, ratio.p, equivalence.p, 1 - level),
        low=math.exp(comparison.mean - half_width),
        high=math.exp(comparison.mean + half_width),
        p=comparison.p,
        p_holm=ratio.p,
        p_equivalence=equivalence.p,
        power=PowerAnalysis(
            comparison.std_error, comparison.df, comparison.blocks, ratio.alpha, equivalence.alpha, log_margin
        ),
        level=level,
    )


def _verdict(is_lower: bool, lower_is_better: bool, p: float, p_equivalence: float, alpha: float) -> Verdict:
    if p_equivalence <= alpha:
        return "equivalent"
    if p > alpha:
        return "inconclusive"
    return "improvement" if is_lower == lower_is_better else "regression"


def _corrected(p: Sequence[float], alpha: float) -> list[_Step]:
    """Correct p-values by Holm's method, and return the level that each was compared with beside it.

    With r of m not rejected that is α/r for those, as the smallest p among them was compared with it, and α/(r + 1) for
    a rejected one.
    """
    adjusted = holm(p)
    not_rejected = sum(each > alpha for each in adjusted)
    return [_Step(each, alpha / (not_rejected + (each <= alpha))) for each in adjusted]


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for several comparisons by Holm's step-down (1979); returns them in the order given.

    p_holm(i) = max over j ≤ i of min(1, (m − j + 1)·p(j)), with p(j) the j-th smallest of m.
    """
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = highest
    return adjusted

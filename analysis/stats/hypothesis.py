"""What a change is worth: its ratio with an interval, and a verdict.

A change is compared within each block, where both sides had the same schedule and the same hour: the figure of a block
is the logarithm of after over before. Where the baseline ran twice in a block the mean of the two is taken; what the
two differ by is chance, and is a comparison of its own.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from .confidence import FEWEST_BLOCKS, LEVEL

POWER = 0.80
MOST_BLOCKS = 200
Verdict = Literal["gain", "loss", "same", "undecided"]


@dataclass(frozen=True)
class Effect:
    """One change judged by one figure.

    `ratio` is after over before, with its interval at `level`; `p` is of the t-test that it is 1, `p_holm` the same
    after Holm's correction over the comparisons of the table. `detectable` is the nearest ratio to 1 (above it) that
    would have been found with a probability of 80 %, and `blocks_needed` how many blocks it takes to decide with that
    probability: to find one at the end of the equivalence band, and to call two that are the same that. Where there are
    too few blocks all of these are None.
    """

    name: str
    ratio: float
    blocks: int
    verdict: Verdict
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    detectable: float | None = None
    blocks_needed: int | None = None
    level: float = LEVEL

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True)
class Comparison:
    """A mean log ratio (after over before) with its standard error and degrees of freedom, from so many blocks."""

    mean: float
    error: float
    freedom: float
    blocks: int

    @property
    def p(self) -> float:
        """Of Student's t-test that the ratio is 1."""
        if not self.error:  # a count that no chance is in
            return 0.0 if self.mean else 1.0
        return float(2 * special.stdtr(self.freedom, -abs(self.mean) / self.error))

    def reach(self, level: float) -> float:
        """How far the interval of this level goes to either side."""
        return float(special.stdtrit(self.freedom, (1 + level) / 2)) * self.error


def paired(log_ratios: Sequence[float]) -> Comparison:
    """From the log ratios of blocks that had both sides."""
    logs = np.asarray(log_ratios, dtype=float)
    deviation = float(logs.std(ddof=1)) if len(logs) > 1 else 0.0
    return Comparison(float(logs.mean()), deviation / math.sqrt(len(logs)), len(logs) - 1, len(logs))


def unpaired(before: Sequence[float], after: Sequence[float]) -> Comparison:
    """From the logarithms of two sides that were not measured together (Welch 1947)."""
    sides = [np.asarray(logs, dtype=float) for logs in (before, after)]
    of_means = [float(logs.var(ddof=1)) / len(logs) if len(logs) > 1 else 0.0 for logs in sides]
    blocks, variance = min(map(len, sides)), sum(of_means)
    parts = [own**2 / (len(logs) - 1) for own, logs in zip(of_means, sides, strict=True) if len(logs) > 1]
    freedom = variance**2 / sum(parts) if sum(parts) else max(blocks - 1, 0)
    return Comparison(float(sides[1].mean() - sides[0].mean()), math.sqrt(variance), freedom, blocks)


def table(
    changes: Mapping[str, Comparison], *, band: float, lower_is_better: bool = True, level: float = LEVEL
) -> list[Effect]:
    """The effects of the changes that stand in one table, in its order.

    The verdict is *same* where the interval lies within the equivalence band (from 1/(1 + band) to 1 + band), *gain* or
    *loss* where 1 is outside at the level that Holm (1979) leaves to the comparison, and *undecided* otherwise.
    """
    decided = [name for name, change in changes.items() if change.blocks >= FEWEST_BLOCKS]
    adjusted = holm([changes[name].p for name in decided])
    corrected = dict(zip(decided, zip(adjusted, _levels(adjusted, 1 - level), strict=True), strict=True))
    return [
        _effect(name, change, *corrected[name], band, lower_is_better, level)
        if name in corrected
        else Effect(name, math.exp(change.mean), change.blocks, "undecided", level=level)
        for name, change in changes.items()
    ]


def _effect(name, change, p_holm, alpha, band, lower_is_better, level):
    low, high = (math.exp(change.mean + sign * change.reach(level)) for sign in (-1, 1))
    found = Effect(
        name=name,
        ratio=math.exp(change.mean),
        blocks=change.blocks,
        verdict="undecided",
        low=low,
        high=high,
        p=change.p,
        p_holm=p_holm,
        detectable=math.exp(detectable(change, alpha)),
        blocks_needed=blocks_needed(change, math.log1p(band), alpha, level),
        level=level,
    )
    if 1 / (1 + band) <= low and high <= 1 + band:
        return replace(found, verdict="same")
    if p_holm > 1 - level:
        return found
    return replace(found, verdict="gain" if (found.ratio < 1) == lower_is_better else "loss")


def holm(p: Sequence[float]) -> list[float]:
    """p-values after Holm's step-down correction (1979), in the order given."""
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, place in enumerate(np.argsort(p, kind="stable")):
        highest = max(highest, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = highest
    return adjusted


def _levels(adjusted: Sequence[float], alpha: float) -> list[float]:
    """The level at which each comparison of a table stands.

    Who was not rejected would be the next to be: it has to pass the level that is left after those that were.
    """
    left = len(adjusted) - sum(p <= alpha for p in adjusted)
    return [alpha / (left + (p <= alpha)) for p in adjusted]


def power(effect: float, error: ArrayLike, freedom: ArrayLike, alpha: float) -> np.ndarray:
    """The probability that the t-test finds a log ratio of this size, by the noncentral t-distribution.

    For each standard error (over 0) and its degrees of freedom.
    """
    critical, away = special.stdtrit(freedom, 1 - alpha / 2), abs(effect) / np.asarray(error)
    # Some of the probabilities below 1e-19 come as NaN.
    missed, wrong_way = (np.nan_to_num(special.nctdtr(freedom, away, end)) for end in (critical, -critical))
    return 1 - missed + wrong_way


def detectable(change: Comparison, alpha: float) -> float:
    """The smallest log ratio that the test finds with a probability of 80 %: the minimum detectable effect."""
    if not change.error:
        return 0.0
    far = 3 * change.error * special.stdtrit(change.freedom, 1 - alpha / 2) + 3 * change.error
    return float(optimize.brentq(lambda effect: power(effect, change.error, change.freedom, alpha) - POWER, 0.0, far))


def equivalence_power(band: float, error: ArrayLike, freedom: ArrayLike, level: float) -> np.ndarray:
    """The probability that the interval of a log ratio that is 0 lies within ±band, if its error is as it is taken."""
    left = (band - special.stdtrit(freedom, (1 + level) / 2) * error) / error
    return np.where(left > 0, 2 * special.stdtr(freedom, left) - 1, 0.0)


def blocks_needed(change: Comparison, band: float, alpha: float, level: float = LEVEL) -> int | None:
    """With how many blocks the test finds a log ratio of the band with a probability of 80 %, and the interval of one
    that is 0 lies within the band as often; None for more than 200.

    As if more blocks spread as those that were measured do.
    """
    if not change.error:
        return FEWEST_BLOCKS
    blocks = np.arange(FEWEST_BLOCKS, MOST_BLOCKS + 1)
    errors = change.error * np.sqrt(change.blocks / blocks)
    freedom = change.freedom * (blocks - 1) / (change.blocks - 1)
    decides = np.minimum(power(band, errors, freedom, alpha), equivalence_power(band, errors, freedom, level)) >= POWER
    return int(blocks[decides][0]) if decides.any() else None

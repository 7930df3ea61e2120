"""Confidence intervals of metrics that were measured in several blocks.

Blocks are independent of each other; the requests within one are not, and are never counted as if they were. Every
interval here therefore rests on one value a block, and on Student's t with `blocks − 1` degrees of freedom. Fewer than
`MIN_BLOCKS` blocks give an estimate without an interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

LEVEL = 0.95
MIN_BLOCKS = 4


@dataclass(frozen=True)
class Estimate:
    """The value of a metric, the number of blocks behind it, and its interval (`low`, `high`; None without one)."""

    value: float
    blocks: int
    low: float | None = None
    high: float | None = None
    level: float = LEVEL

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def t_quantile(level: float, blocks: int) -> float:
    """Return the two-sided quantile of Student's t: the half-width of an interval in standard errors of the mean."""
    return float(special.stdtrit(blocks - 1, (1 + level) / 2))


def log_mean_ci(by_block: Sequence[float] | np.ndarray, pooled: float | None = None, level: float = LEVEL) -> Estimate:
    """Estimate a positive metric (a latency, a rate, a ratio) from one value a block, on the log scale.

    The interval is [x̂·exp(−h), x̂·exp(+h)] with h = t·s/√k:

        k  number of blocks; x_b the value of block b, in the unit of the metric
        x̂  the geometric mean exp(mean of ln x_b), or `pooled`
        s  standard deviation of ln x_b around ln x̂, divisor k − 1
        t  quantile (1 + level)/2 of Student's t with k − 1 degrees of freedom

    With `pooled`, the value of the requests of all blocks together, it is sectioning (Asmussen and Glynn 2007, III.5a):
    a percentile of one block is biased where few requests lie beyond it, the pooled one less so.

    Raises ValueError for values that are not positive, or for none.
    """
    values = np.asarray(by_block, dtype=float)
    if not len(values) or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError("an interval on the log scale needs positive values")
    logs = np.log(values)
    centre = float(np.exp(logs.mean())) if pooled is None else pooled
    if len(logs) < MIN_BLOCKS:
        return Estimate(centre, len(logs), level=level)
    half_width = t_quantile(level, len(logs)) * _deviation(logs, math.log(centre)) / math.sqrt(len(logs))
    return Estimate(centre, len(logs), centre * math.exp(-half_width), centre * math.exp(half_width), level)


def proportion_ci(successes: ArrayLike, trials: ArrayLike, level: float = LEVEL) -> Estimate:
    """Estimate a share (of failed requests, say) from the counts of each block.

    The interval is the wider, at each end, of two: Clopper and Pearson's for all requests together, and by sectioning
    p̂ ± t·s/√k with

        p̂  Σ f_b / Σ n_b, of f_b `successes` in n_b `trials` of block b
        s  standard deviation of f_b/n_b around p̂, divisor k − 1 for k blocks
        t  as for `log_mean_ci`

    The first takes requests as independent, which makes it too narrow; it keeps zero failures from meaning that none
    can happen.

    Raises ValueError without a request.
    """
    counts, totals = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    if not totals.sum():
        raise ValueError("a share of no requests is not defined")
    share = float(counts.sum() / totals.sum())
    blocks = len(counts)
    if blocks < MIN_BLOCKS:
        return Estimate(share, blocks, level=level)
    half_width = t_quantile(level, blocks) * _deviation(counts / totals, share) / math.sqrt(blocks)
    low, high = clopper_pearson(int(counts.sum()), int(totals.sum()), level)
    return Estimate(
        share, blocks, max(0.0, min(low, share - half_width)), min(1.0, max(high, share + half_width)), level
    )


def clopper_pearson(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact interval of the share of successes in independent trials (Clopper and Pearson 1934).

    With f successes in n trials and α = 1 − level its ends are quantiles of beta distributions: α/2 of
    Beta(f, n − f + 1), and 1 − α/2 of Beta(f + 1, n − f).
    """
    tail = (1 - level) / 2
    low = float(special.betaincinv(successes, trials - successes + 1, tail)) if successes else 0.0
    high = float(special.betaincinv(successes + 1, trials - successes, 1 - tail)) if successes < trials else 1.0
    return low, high


def _deviation(values: np.ndarray, centre: float) -> float:
    """Standard deviation around a centre that need not be the mean of the values; divisor n − 1."""
    return math.sqrt(float(((values - centre) ** 2).sum()) / (len(values) - 1))

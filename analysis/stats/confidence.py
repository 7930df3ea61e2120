"""Confidence intervals of metrics that were measured in several blocks.

Blocks are independent of each other; the requests within one are not, and are never counted as if they were. Every
interval here therefore rests on one value a block, and on Student's t with `blocks − 1` degrees of freedom. Fewer than
`MIN_BLOCKS` blocks give an estimate without an interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

LEVEL = 0.95
MIN_BLOCKS = 4
MIN_ROWS_BEYOND = 50  # in each block, beyond a percentile: with fewer its interval is too narrow
MAX_TAIL_RATIO = 1.75  # of p99 to p95: 1.54 for an exponential distribution, more for a heavy tail
MAX_SPREAD = 0.25  # of ln percentile from block to block: beyond it a block is few busy periods


@dataclass(frozen=True)
class Estimate:
    """The value of a metric, the number of blocks behind it, and its interval (`low`, `high`; None without one).

    `is_lower_bound` marks an interval that is too narrow: the uncertainty is at least that large.
    """

    value: float
    blocks: int
    low: float | None = None
    high: float | None = None
    level: float = LEVEL
    is_lower_bound: bool = False

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


def one_more_run(estimate: Estimate, runs_a_block: int) -> Estimate:
    """Replace the interval of a positive metric by that of the value of one more run, a prediction interval.

    t·s·√(r + 1/k) on the log scale, with s the standard deviation of the values of the k blocks, each the mean of
    r = `runs_a_block` runs: a single run has at most r times the variance of such a mean (Hahn and Meeker 1991).
    """
    if estimate.high is None or not estimate.value:
        return estimate
    half_width = math.log(estimate.high / estimate.value) * math.sqrt(runs_a_block * estimate.blocks + 1)
    ends = (estimate.value * math.exp(sign * half_width) for sign in (-1, 1))
    return replace(estimate, low=next(ends), high=next(ends))


def sectioning_ci(
    by_block: Sequence[float] | np.ndarray, pooled: float, rows_beyond: float, tail_ratio: float
) -> Estimate:
    """Estimate a percentile or the mean of latency by sectioning, and mark an interval that is too narrow.

    `rows_beyond` is the number of rows beyond the percentile in the smallest block, infinite for a mean, `tail_ratio`
    p99 over p95 of all rows. The interval is marked below `MIN_ROWS_BEYOND`, above `MAX_TAIL_RATIO`, and where ln x_b
    scatters around ln x̂ by more than `MAX_SPREAD`: its coverage is then below 95 %, see docs/METHODS.md.
    """
    estimate = log_mean_ci(by_block, pooled)
    if estimate.interval is None:
        return estimate
    spread = _deviation(np.log(np.asarray(by_block, dtype=float)), math.log(pooled))
    is_narrow = rows_beyond < MIN_ROWS_BEYOND or tail_ratio > MAX_TAIL_RATIO or spread > MAX_SPREAD
    return replace(estimate, is_lower_bound=is_narrow)


def noise_floor(log_ratios: ArrayLike, level: float = LEVEL) -> float | None:
    """Return the ratio above 1 that another pair of identical runs stays below with this probability.

    exp(t·√(Σ d_b²/k)), with d_b the log ratio of the A/A replicates of block b, in k blocks, and t the quantile
    (1 + level)/2 of Student's t with k degrees of freedom: the mean of d_b is known to be 0. None below `MIN_BLOCKS`.
    """
    logs = np.asarray(log_ratios, dtype=float)
    if len(logs) < MIN_BLOCKS:
        return None
    return math.exp(float(special.stdtrit(len(logs), (1 + level) / 2)) * math.sqrt(float(np.mean(logs**2))))


def proportion_ci(successes: ArrayLike, trials: ArrayLike, level: float = LEVEL) -> Estimate:
    """Estimate a share (of failed requests, say) from the counts of each block.

    The interval is the wider, at each end, of two: Clopper and Pearson's for all requests together, and by sectioning
    p̂ ± t·max(s/√k, √(F·c)/N) with

        p̂  Σ f_b / Σ n_b, of f_b `successes` in n_b `trials` of block b
        s  standard deviation of f_b/n_b around p̂, divisor k − 1 for k blocks
        t  as for `log_mean_ci`
        F  successes or failures of all blocks, whichever are fewer; N all requests
        c  those of the block that has the fewest

    Failures come in clusters of unknown size. c takes those of a block for one cluster: F/c clusters have the standard
    error √(F·c)/N, also where they happen to be spread evenly. A block without a failure says nothing of their size,
    so there is no interval then.

    Raises ValueError without a request.
    """
    counts, totals = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    if not totals.sum():
        raise ValueError("a share of no requests is not defined")
    share, blocks = float(counts.sum() / totals.sum()), len(counts)
    events = counts if share <= 0.5 else totals - counts
    if blocks < MIN_BLOCKS or not events.min():
        return Estimate(share, blocks, level=level)
    std_error = max(
        _deviation(counts / totals, share) / math.sqrt(blocks),
        math.sqrt(float(events.sum() * events.min())) / float(totals.sum()),
    )
    half_width = t_quantile(level, blocks) * std_error
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

"""Intervals of figures that were measured in several blocks.

Blocks are independent of each other; the requests within one are not, and are never counted as if they were. So every
interval here rests on one figure a block, and on Student's t with one degree of freedom less than there are blocks.
Fewer than `FEWEST_BLOCKS` give no interval: an estimate says then how many there were.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

LEVEL = 0.95
FEWEST_BLOCKS = 4


@dataclass(frozen=True)
class Estimate:
    """A figure, how many blocks are behind it, and its interval; `low` and `high` are None where there is none."""

    value: float
    blocks: int
    low: float | None = None
    high: float | None = None
    level: float = LEVEL

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)


def t_quantile(level: float, blocks: int) -> float:
    """How many standard errors of a mean over blocks an interval of this level reaches to either side."""
    return float(special.stdtrit(blocks - 1, (1 + level) / 2))


def positive(by_block: Sequence[float], pooled: float | None = None, level: float = LEVEL) -> Estimate:
    """The interval of a positive figure (a latency, a rate, a ratio), one value a block, on the scale of logarithms.

    Without `pooled` it is around the geometric mean: `exp(mean ± t·s/√k)`. With it, by sectioning: around the figure of
    all blocks together, with the spread of the blocks' own around that one (Asmussen and Glynn 2007, III.5a). A
    percentile of one block is biased where few requests lie beyond it, that of all together less so.

    Raises ValueError for figures that are not positive, or for none.
    """
    values = np.asarray(by_block, dtype=float)
    if not len(values) or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError("an interval on the scale of logarithms needs positive figures")
    logs = np.log(values)
    centre = float(np.exp(logs.mean())) if pooled is None else pooled
    if len(logs) < FEWEST_BLOCKS:
        return Estimate(centre, len(logs), level=level)
    reach = t_quantile(level, len(logs)) * _deviation(logs, math.log(centre)) / math.sqrt(len(logs))
    return Estimate(centre, len(logs), centre * math.exp(-reach), centre * math.exp(reach), level)


def proportion(happened: Sequence[int], of: Sequence[int], level: float = LEVEL) -> Estimate:
    """The interval of a share (of failed requests, say), from the counts of each block.

    The wider of two: by sectioning over the blocks, and Clopper and Pearson's (1934) for all requests together. The
    second takes them as independent and is therefore the least that is unknown; it keeps zero failures from meaning
    that none could happen.

    Raises ValueError without a request.
    """
    counts, totals = np.asarray(happened, dtype=float), np.asarray(of, dtype=float)
    if not totals.sum():
        raise ValueError("a share of no requests has no meaning")
    share = float(counts.sum() / totals.sum())
    blocks = len(counts)
    if blocks < FEWEST_BLOCKS:
        return Estimate(share, blocks, level=level)
    reach = t_quantile(level, blocks) * _deviation(counts / totals, share) / math.sqrt(blocks)
    low, high = clopper_pearson(int(counts.sum()), int(totals.sum()), level)
    return Estimate(share, blocks, max(0.0, min(low, share - reach)), min(1.0, max(high, share + reach)), level)


def clopper_pearson(happened: int, of: int, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval of a share of independent trials (Clopper and Pearson 1934)."""
    tail = (1 - level) / 2
    low = float(special.betaincinv(happened, of - happened + 1, tail)) if happened else 0.0
    high = float(special.betaincinv(happened + 1, of - happened, 1 - tail)) if happened < of else 1.0
    return low, high


def _deviation(values, centre):
    """The standard deviation around a centre that need not be their mean."""
    return math.sqrt(float(((values - centre) ** 2).sum()) / (len(values) - 1))

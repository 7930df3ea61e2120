"""The change of a request's mean time from one set-up to another, part by part: a waterfall.

Means add up over the parts, percentiles do not; so a waterfall is of means. The remainder that no part explains is the
part `residual`: latency without queue and application.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from workbench.aggregates import SPLIT
from workbench.endpoints import PUBLISHED
from workbench.recording import Experiment, arm

from .stats.confidence import LEVEL, MIN_BLOCKS, t_quantile

LATENCY = "latency"  # all parts together


class PartChange(NamedTuple):
    """The mean time of a request in one part before and after, the difference, and its interval at 95 %.

    `low_ms` and `high_ms` are NaN below `MIN_BLOCKS` blocks.
    """

    part: str
    before_ms: float
    after_ms: float
    change_ms: float
    low_ms: float
    high_ms: float
    blocks: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends; None without an interval."""
        return None if math.isnan(self.low_ms) else (self.low_ms, self.high_ms)


def waterfall(
    experiment: Experiment, before: str, after: str, scenario: str, endpoints: Sequence[str] = PUBLISHED
) -> dict[str, PartChange]:
    """Return the change of each part of a request's time by its name, and last that of `latency`, their sum.

    Means are over the successful requests to these endpoints, and over the blocks in which both deployments
    ran. The interval is d̄ ± t·s/√k of the differences d of k blocks, t with k − 1 degrees of freedom.

    Empty where the two share no block, or where a part was not measured.
    """
    sides = [_part_means_ms(experiment, deployment, scenario, endpoints) for deployment in (before, after)]
    blocks = sides[0].index.intersection(sides[1].index)
    first, second = (side.loc[blocks] for side in sides)
    if not len(blocks) or first.isna().any(axis=None) or second.isna().any(axis=None):
        return {}
    return {part: _change(part, first[part].to_numpy(), second[part].to_numpy()) for part in (*SPLIT, LATENCY)}


def _part_means_ms(experiment: Experiment, deployment: str, scenario: str, endpoints: Sequence[str]) -> pd.DataFrame:
    """The mean time of a request in each part (ms), a row for each block; two runs of a block count as their mean."""
    runs = arm(experiment.by_endpoint, deployment, scenario)
    runs = runs[runs["endpoint"].isin(endpoints) & (runs["successful"] > 0)]
    sums = runs[[f"{part}_ms" for part in SPLIT]].multiply(runs["successful"], axis=0)
    totals = sums.groupby([runs["block"], runs["run"]]).sum(min_count=1)
    counts = runs.groupby(["block", "run"])["successful"].sum()
    means = totals.div(counts, axis=0).groupby("block").mean()
    means.columns = pd.Index(SPLIT)
    return means.assign(**{LATENCY: means.sum(axis=1, skipna=False)})


def _change(part: str, before_ms: np.ndarray, after_ms: np.ndarray) -> PartChange:
    differences_ms = after_ms - before_ms
    mean_ms, blocks = float(differences_ms.mean()), len(differences_ms)
    half_width_ms = math.nan
    if blocks >= MIN_BLOCKS:
        half_width_ms = t_quantile(LEVEL, blocks) * float(differences_ms.std(ddof=1)) / math.sqrt(blocks)
    return PartChange(
        part,
        float(before_ms.mean()),
        float(after_ms.mean()),
        mean_ms,
        mean_ms - half_width_ms,
        mean_ms + half_width_ms,
        blocks,
    )

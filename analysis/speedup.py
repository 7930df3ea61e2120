"""The headline of a report: how many times faster one deployment finishes a scenario than another."""

import math

import numpy as np
import pandas as pd

from workbench.arms import BASELINE, BURST_50, TUNED
from workbench.recording import Experiment, arm

from . import ablation
from .stats.confidence import Estimate


def speedup_estimate(
    experiment: Experiment, scenario: str = BURST_50, before: str = BASELINE, after: str = TUNED
) -> Estimate | None:
    """Duration on `before` / duration on `after`, paired by block; None if one of them was not run."""
    effect = ablation.duration_effect(experiment, before, after, scenario)
    if effect is None or not 0 < effect.ratio < math.inf:
        return None
    low, high = (1 / effect.interval[1], 1 / effect.interval[0]) if effect.interval else (None, None)
    return Estimate(1 / effect.ratio, effect.blocks, low, high, effect.level)


def paired_durations_s(experiment: Experiment, scenario: str = BURST_50) -> tuple[float, float]:
    """Durations (s) on as-measured and on tuned: geometric means over the blocks in which both ran."""
    before, after = (arm(experiment.by_run, deployment, scenario) for deployment in (BASELINE, TUNED))
    blocks = set(before["block"]) & set(after["block"])
    return _geometric_mean_s(before, blocks), _geometric_mean_s(after, blocks)


def _geometric_mean_s(runs: pd.DataFrame, blocks: set[int]) -> float:
    """Geometric mean of the makespans over these blocks; of two runs in a block their geometric mean counts once."""
    logs = np.log(runs.loc[runs["block"].isin(blocks), "makespan_s"])
    return float(np.exp(logs.groupby(runs["block"]).mean().mean()))

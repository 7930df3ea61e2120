"""The headline of a report: how many times faster one deployment finishes a scenario than another."""

import math

from workbench.arms import BASELINE, BURST_50, TUNED
from workbench.recording import Experiment

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

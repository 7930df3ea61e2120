"""Effects on a metric that has no log ratio in some block, because it is 0 there, or infinity by dropped arrivals."""

import math

import numpy as np
import pandas as pd

from .confidence import MIN_BLOCKS
from .hypothesis import Effect, Verdict


def has_logarithms(values: np.ndarray) -> bool:
    """True where no value is 0 or infinity."""
    return bool(values.all() and np.isfinite(values).all())


def degenerate_effect(name: str, before: pd.Series, after: pd.Series, *, lower_is_better: bool) -> Effect:
    """Return the effect between the values of the blocks, of which some are 0 or infinity.

    Where one side is 0, or infinity, in every block of at least `MIN_BLOCKS`, and the other in none of them (of 0: not
    in all), that decides the verdict; otherwise it is inconclusive.
    """
    blocks = min(len(before), len(after))
    if np.isinf(before).any() or np.isinf(after).any():
        ratio, increase = _infinite(before, after)
    else:
        ratio = float(after.mean() / before.mean()) if before.any() else math.inf
        increase = None if before.any() and after.any() else bool(after.any())
    verdict: Verdict = "inconclusive"
    if blocks >= MIN_BLOCKS and increase is not None:
        verdict = "regression" if increase == lower_is_better else "improvement"
    return Effect(name, ratio, blocks, verdict)


def _infinite(before: pd.Series, after: pd.Series) -> tuple[float, bool | None]:
    """The ratio, and whether the metric increased: None where infinity does not decide it."""
    was_finite, is_finite = (bool(np.isfinite(side).all()) for side in (before, after))
    was_infinite, is_infinite = (bool(np.isinf(side).all()) for side in (before, after))
    if was_finite:
        return math.inf, True if is_infinite else None
    if is_finite:
        return 0.0, False if was_infinite else None
    return math.nan, None

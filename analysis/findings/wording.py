"""Texts of effects, and sentences about the growth of the tail, made of the values in the table beside them."""

import math

import pandas as pd

from workbench.aggregates import SPLIT

from ..stats.confidence import MIN_BLOCKS
from ..stats.hypothesis import Effect

PART_NAMES = {
    "queue": "waiting for a worker",
    "pool": "waiting for a connection",
    "db": "the database",
    "hash": "hashing and waiting for a hash slot",
    "cache": "the cache",
    "session": "the session",
    "loop": "waiting for the event loop",
    "rest": "the rest of the application",
    "residual": "time outside queue and application",
}
MIN_P = 1e-4  # a smaller p is not written out
MIN_GROWTH = 0.05  # smaller growth, relative to the latency before, counts as none; parts below this share are left out


def counted(number: float, noun: str) -> str:
    """`1 block`, `4 blocks`."""
    return f"{number} {noun}{'s' if number != 1 else ''}"


def growth_sentence(deployment: str, fewer: str, more: str, growth: pd.DataFrame) -> str:
    """The parts of the growth of tail latency between two scenarios, over all endpoints that grew.

    `growth` is the table of `bottleneck.tail_growth`.
    """
    if growth.empty:
        return f"The growth of tail latency on {deployment} needs {fewer} and {more}, which were not both measured."
    if growth["rest"].isna().any():  # a part without a column
        return f"The parts of the growth of tail latency on {deployment} are not known: not all of them were recorded."
    growth_ms = growth["more_ms"] - growth["fewer_ms"]
    grew = growth_ms > MIN_GROWTH * growth["fewer_ms"]
    if not grew.any():
        return f"From {fewer} to {more} tail latency on {deployment} did not grow by over {MIN_GROWTH:.0%}."
    parts = _shares(growth.loc[grew, list(SPLIT)].sum() / growth_ms[grew].sum())
    only = "" if grew.all() else f" ({', '.join(growth.index[grew])}; the others did not grow by over {MIN_GROWTH:.0%})"
    counts = " and ".join(f"{growth.loc[grew, side].sum():.0f}" for side in ("fewer", "more"))
    return (
        f"Growth of tail latency on {deployment} from {fewer} to {more}{only}: {parts}; from {counts} requests, no "
        "interval."
    )


def _shares(shares: pd.Series) -> str:
    """The parts by their share of the growth, the largest first; parts that shrank come last."""
    grown = shares[shares >= MIN_GROWTH].sort_values(ascending=False)
    shrunk = -shares[shares <= -MIN_GROWTH].sort_values()
    text = ", ".join(f"{PART_NAMES[str(part)]} {share:.0%}" for part, share in grown.items())
    less = ", ".join(f"{PART_NAMES[str(part)]} {share:.0%}" for part, share in shrunk.items())
    return f"{text}, less {less}" if less else text


def p_text(p: float) -> str:
    """`p 0.0123`, or `p below 0.0001`."""
    return f"p {p:.4f}" if p >= MIN_P else f"p below {MIN_P:g}"


def family_sentence(comparisons: int) -> str:
    """The correction of the verdicts of a family of so many comparisons, and the chance that one of them is false."""
    return (
        f"Holm's correction is over all {counted(comparisons, 'comparison')} of this page: if nothing differed, any "
        "improvement or regression would stand here with a probability of at most 5 %, and any false equivalence with "
        "at most 2.5 %. Intervals are not corrected."
    )


def ratio_with_interval(effect: Effect) -> str:
    """`0.19 (0.15–0.24)`; without an interval the number of blocks in its place."""
    if effect.interval is None:
        degenerate = "a value of 0" if math.isfinite(effect.ratio) else "a value of 0 or infinity"
        reason = degenerate if effect.blocks >= MIN_BLOCKS else "no interval"
        return f"{ratio_text(effect.ratio)} ({counted(effect.blocks, 'block')}, {reason})"
    low, high = effect.interval
    return f"{ratio_text(effect.ratio)} ({ratio_text(low)}–{ratio_text(high)})"


def ratio_text(ratio: float) -> str:
    """A ratio with two digits at least, and a third one near 1: `0.87`, `0.0042`, `12.31`, `1.003`."""
    if not math.isfinite(ratio):
        return "∞" if math.isinf(ratio) else "–"
    if 0.98 < ratio < 1.02:
        return f"{ratio:.3f}"
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:#.2g}" if ratio else "0"


def effect_size(ratio: float) -> str:
    """The distance of a ratio above 1 from 1: `12%`, or from 2 on `2.4-fold`."""
    return f"{ratio - 1:.0%}" if ratio < 2 else f"{ratio:.1f}-fold"

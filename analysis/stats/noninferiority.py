"""Improvements that count only if failures are not more frequent with the change.

A response that fails at once is fast, and a slow one that times out leaves the latencies of the successful responses.
So an improvement of any metric stands only if the share of failures is not larger after the change than before, or if
its difference is one that chance explains and is small:

    stands  ⇔  d̄ ≤ 0,  or  d̄ − t·SE ≤ 0  and  d̄ + t·SE ≤ MARGIN

    d̄   difference of the shares of failures, after − before: their mean over the blocks
    SE  standard error of d̄: paired by block s/√k, without common blocks as in Welch's test
    t   quantile (1 + level)/2 of Student's t

The second condition is a test of noninferiority (Blackwelder 1982). With fewer than `MIN_BLOCKS` blocks any larger
share counts. A failure is a request that was not successful, or that was omitted with a dropped arrival.
Without any success after the change no improvement stands, whatever the share was before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from .confidence import LEVEL, MIN_BLOCKS
from .hypothesis import Comparison, Effect, paired, unpaired

MARGIN = 0.01  # of the share of failures: the equivalence margin of the share of successful responses


def failure_counts(by_run: pd.DataFrame) -> pd.DataFrame:
    """Return `failed` and all `requests` by block, from rows with `requests`, `successful` and `omitted`."""
    requests = by_run["requests"] + by_run["omitted"]
    counts = pd.DataFrame({"failed": requests - by_run["successful"], "requests": requests})
    return counts.groupby(by_run["block"]).sum()


def more_failures(before: pd.DataFrame, after: pd.DataFrame, *, is_paired: bool, level: float = LEVEL) -> str:
    """Return why an improvement does not stand, in a phrase; empty where it does.

    `before` and `after` are tables of `failure_counts`. Paired sides are compared in the blocks that both have.
    """
    comparison = failure_change(before, after, is_paired=is_paired)
    sides = _compared(before, after, is_paired)
    if comparison is not None and sides[1]["failed"].sum() == sides[1]["requests"].sum():
        return "none of the requests was successful"
    if comparison is None or _stands(comparison, level):
        return ""
    total_before, total_after = (counts["failed"].sum() / counts["requests"].sum() for counts in sides)
    return f"{total_after:.1%} of the requests were not successful, instead of {total_before:.1%}"


def failure_change(before: pd.DataFrame, after: pd.DataFrame, *, is_paired: bool) -> Comparison | None:
    """Return the difference of the shares of failures, after − before (no log ratio); None without runs to compare.

    The arguments are those of `more_failures`.
    """
    shares = [counts["failed"] / counts["requests"] for counts in _compared(before, after, is_paired)]
    if not all(map(len, shares)):
        return None
    return paired(shares[1] - shares[0]) if is_paired else unpaired(shares[0], shares[1])


def _compared(before: pd.DataFrame, after: pd.DataFrame, is_paired: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both sides, of which paired ones have the blocks that are in both."""
    common = before.index.intersection(after.index)
    return (before.loc[common], after.loc[common]) if is_paired else (before, after)


def _stands(comparison: Comparison, level: float) -> bool:
    """True where failures are not more frequent, or only within chance and margin."""
    if comparison.mean <= 0:
        return True
    if comparison.blocks < MIN_BLOCKS:
        return False
    half_width = comparison.half_width(level)
    return comparison.mean - half_width <= 0 and comparison.mean + half_width <= MARGIN


def without_failing(effects: Sequence[Effect], reasons: Mapping[str, str]) -> list[Effect]:
    """Return the effects; an improvement with a reason against it, by its name, becomes *inconclusive*."""
    return [
        replace(effect, verdict="inconclusive", reason=reason)
        if effect.verdict == "improvement" and (reason := reasons.get(effect.name))
        else effect
        for effect in effects
    ]

"""Sentences about gains and causes, each made of the figures of the table that it stands by."""

from collections.abc import Iterable, Sequence

import pandas as pd

from ..ablation import Figure, Worth
from ..bottleneck import SPLIT
from ..stats.confidence import FEWEST_BLOCKS
from ..stats.hypothesis import Effect

NAMES = {
    "queue": "waiting for a worker",
    "pool": "waiting for a connection",
    "db": "the database",
    "hash": "hashing and the wait for a turn",
    "cache": "the cache",
    "session": "the session",
    "rest": "the rest of the application",
    "residual": "what is neither queue nor application",
}
GREW = 0.05  # less than this part of what was there is no growth, and less than this share of it is not named


def of_worth(found: Worth) -> str:
    """What the changes of one table are worth: the gains and losses by size, what is the same, and what is open."""
    told = {
        verdict: [effect for effect in found.effects if effect.verdict == verdict]
        for verdict in ("gain", "loss", "same", "undecided")
    }
    pieces = [
        _listed("a gain", sorted(told["gain"], key=lambda effect: abs(effect.ratio - 1), reverse=True)),
        _listed("a loss", sorted(told["loss"], key=lambda effect: abs(effect.ratio - 1), reverse=True)),
        _listed(f"the same within {found.figure.band:.0%}", told["same"]),
        _undecided(told["undecided"], found.figure, sum(effect.interval is not None for effect in found.effects)),
    ]
    text = "; ".join(piece for piece in pieces if piece)
    return f"{_capital(found.figure.name)} under {found.scenario}: {text}."


def of_chance(found: Worth) -> str:
    """By how much two runs of the same differ."""
    if found.floor is None:
        return "The baseline did not run twice in enough blocks, so nothing tells what differs by chance."
    text = (
        f"By chance alone another two runs of the same may differ in {found.figure.name} by up to {found.floor - 1:.1%}"
    )
    if found.chance.verdict in ("gain", "loss"):
        return f"{text}, and here they did so in one direction: be careful with every verdict of this table."
    return f"{text}."


def of_growth(deployment: str, fewer: str, more: str, grown: pd.DataFrame) -> str:
    """Which parts of the time the growth of the tail is made of, over all endpoints."""
    if grown.empty:
        return f"How latency grows on {deployment} was not measured under both {fewer} and {more}."
    if grown["rest"].isna().any():  # as is where a part has no column
        return f"What the growth of latency on {deployment} is made of cannot be told, as not all parts were recorded."
    longer_ms = grown["more_ms"] - grown["fewer_ms"]
    grew = longer_ms > GREW * grown["fewer_ms"]
    if not grew.any():
        return f"From {fewer} to {more} the tail of latency on {deployment} did not grow by over {GREW:.0%}."
    shares = grown.loc[grew, list(SPLIT)].sum() / longer_ms[grew].sum()
    parts = [
        f"{NAMES[part]} {share:.0%}" for part, share in shares[shares >= GREW].sort_values(ascending=False).items()
    ]
    shrank = [f"{NAMES[part]} {-share:.0%}" for part, share in shares[shares <= -GREW].sort_values().items()]
    of = "" if grew.all() else f" ({', '.join(grown.index[grew])}; the others did not grow by over {GREW:.0%})"
    less = f", less {', '.join(shrank)}" if shrank else ""
    counts = " and ".join(f"{grown.loc[grew, side].sum():.0f}" for side in ("fewer", "more"))
    return (
        f"Of the growth of the tail of latency on {deployment} from {fewer} to {more}{of}: {', '.join(parts)}{less}; "
        f"from {counts} requests, no interval."
    )


def ratio_with_interval(effect: Effect) -> str:
    """`0.19 (0.15–0.24)`; without an interval the number of blocks in its place."""
    if effect.interval is None:
        why = "a figure of 0" if effect.blocks >= FEWEST_BLOCKS else "no interval"
        return f"{number(effect.ratio)} ({effect.blocks} block{'s' if effect.blocks != 1 else ''}, {why})"
    return f"{number(effect.ratio)} ({number(effect.low)}–{number(effect.high)})"


def number(ratio: float) -> str:
    """A ratio with two digits at least, and near 1 with a third: `0.87`, `0.0042`, `12.31`, `1.003`."""
    if 0.98 < ratio < 1.02:
        return f"{ratio:.3f}"
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def size(ratio: float) -> str:
    """How far from 1 a ratio above it is: `12 %`, or from 2 on `2.4-fold`."""
    return f"{ratio - 1:.0%}" if ratio < 2 else f"{ratio:.1f}-fold"


def _listed(what: str, effects: Iterable[Effect]) -> str:
    listed = [f"{effect.name} {ratio_with_interval(effect)}" for effect in effects]
    return f"{what}: {', '.join(listed)}" if listed else ""


def _undecided(effects: Sequence[Effect], figure: Figure, compared: int) -> str:
    few = [effect for effect in effects if effect.interval is None]
    if few:
        text = _listed(f"without a verdict, for which it takes {FEWEST_BLOCKS} blocks with a ratio", few)
        others = _undecided([effect for effect in effects if effect not in few], figure, compared)
        return "; ".join(piece for piece in (others, text) if piece)
    if not effects:
        return ""
    least, most = (pick(effect.detectable for effect in effects) for pick in (min, max))
    needed = [effect.blocks_needed for effect in effects]
    blocks = "more than 200" if None in needed else max(needed)
    seen = size(least) if len(effects) == 1 else f"{size(least)} to {size(most)}"
    listed = _listed(f"undecided after correction for {compared} comparisons", effects)
    return (
        f"{listed} (an effect of {seen} would have been found four times in five; {blocks} blocks would as often find "
        f"one of {figure.band:.0%}, or that there is none)"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

"""Sentences about gains and causes, each made of the figures of the table that it stands by."""

from collections.abc import Iterable, Sequence

import pandas as pd

from .attribution import SPLIT
from .changes import Figure, Worth
from .effects import Effect
from .intervals import FEWEST_BLOCKS

NAMES = {
    "queue": "waiting for a worker",
    "pool": "waiting for a connection",
    "db": "the database",
    "hash": "hashing",
    "cache": "the cache",
    "session": "the session",
    "rest": "the rest of the application",
    "residual": "what is neither queue nor application",
}
WORTH_TELLING = 0.05  # a part with a smaller share of the growth is not named


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
        _undecided(told["undecided"], found.figure),
    ]
    text = "; ".join(piece for piece in pieces if piece)
    return f"{_capital(found.figure.name)} under {found.scenario}: {text}."


def of_losses(found: Worth) -> str:
    """What has become worse by one figure."""
    losses = _listed("a loss", [effect for effect in found.effects if effect.verdict == "loss"])
    return f"{_capital(found.figure.name)} under {found.scenario}: {losses}."


def of_chance(found: Worth) -> str:
    """By how much two runs of the same differ."""
    if found.floor is None:
        return "The baseline did not run twice in enough blocks, so nothing tells what differs by chance."
    text = f"Two runs of the same may differ in {found.figure.name} by up to {found.floor - 1:.1%} by chance alone"
    if found.chance.verdict in ("gain", "loss"):
        return f"{text}, and here they did so in one direction: be careful with every verdict of this table."
    return f"{text}."


def of_growth(deployment: str, fewer: str, more: str, grown: pd.DataFrame) -> str:
    """Which parts of the time the growth of the tail is made of, over all endpoints."""
    if grown.empty:
        return f"How latency grows on {deployment} was not measured under both {fewer} and {more}."
    weights = (grown["more_ms"] - grown["fewer_ms"]).clip(lower=0)
    if not weights.sum():
        return f"From {fewer} to {more} the tail of latency on {deployment} did not grow."
    shares = grown[list(SPLIT)].multiply(weights, axis=0).sum() / weights.sum()
    named = shares[shares >= WORTH_TELLING].sort_values(ascending=False)
    parts = ", ".join(f"{NAMES[part]} {share:.0%}" for part, share in named.items())
    return f"Of the growth of the tail of latency on {deployment} from {fewer} to {more}: {parts}."


def ratio_with_interval(effect: Effect) -> str:
    """`0.19 (0.15–0.24)`; without an interval the number of blocks in its place."""
    if effect.interval is None:
        return f"{number(effect.ratio)} ({effect.blocks} block{'s' if effect.blocks != 1 else ''})"
    return f"{number(effect.ratio)} ({number(effect.low)}–{number(effect.high)})"


def number(ratio: float) -> str:
    """A ratio with two digits at least: `0.87`, `0.0042`, `12.31`."""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def size(ratio: float) -> str:
    """How far from 1 a ratio above it is: `12 %`, or from 2 on `2.4-fold`."""
    return f"{ratio - 1:.0%}" if ratio < 2 else f"{ratio:.1f}-fold"


def _listed(what: str, effects: Iterable[Effect]) -> str:
    listed = [f"{effect.name} {ratio_with_interval(effect)}" for effect in effects]
    return f"{what}: {', '.join(listed)}" if listed else ""


def _undecided(effects: Sequence[Effect], figure: Figure) -> str:
    few = [effect for effect in effects if effect.blocks < FEWEST_BLOCKS]
    if few:
        text = _listed(f"without a verdict, as fewer than {FEWEST_BLOCKS} blocks give none", few)
        others = _undecided([effect for effect in effects if effect not in few], figure)
        return "; ".join(piece for piece in (others, text) if piece)
    if not effects:
        return ""
    least, most = (pick(effect.detectable for effect in effects) for pick in (min, max))
    needed = [effect.blocks_needed for effect in effects]
    blocks = "more than 200" if None in needed else max(needed)
    seen = size(least) if len(effects) == 1 else f"{size(least)} to {size(most)}"
    return (
        f"{_listed('undecided', effects)} (an effect of {seen} would have been found four times in five; {blocks} "
        f"blocks would find one of {figure.band:.0%} as often)"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

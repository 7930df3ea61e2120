"""The looks that an experiment fixed before it was measured: blocks are added until every comparison is decided."""

from collections.abc import Mapping
from typing import Any

KEY = "looks"  # in the record of an experiment: numbers of blocks, ascending
DECIDED_KEY = "decided_after"  # the number of blocks after which every comparison was decided; null where it was not
MIN_BLOCKS, MAX_BLOCKS = 4, 200  # before the first look, and at the last
EVERY = 4  # blocks


def plan(most: int) -> tuple[int, ...]:
    """The looks of an experiment of at most so many blocks: after every fourth, and after the last."""
    return (*range(MIN_BLOCKS, most, EVERY), most)


def fixed(record: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of blocks after which an experiment is looked at; empty for one with a fixed number of blocks."""
    return tuple(record.get(KEY) or ())


def note(record: Mapping[str, Any]) -> list[str]:
    """The line of a summary that says when the experiment was looked at; none for a fixed number of blocks."""
    if not (looks := fixed(record)):
        return []
    decided = record.get(DECIDED_KEY)
    outcome = f"decided after {decided} blocks" if decided else "not every comparison is decided"
    return [f"looked at after {', '.join(map(str, looks))} blocks, as fixed beforehand: {outcome}"]


def are_looks(value: object) -> bool:
    """True for ascending numbers of blocks, the first of which can have an interval."""
    return (
        isinstance(value, list)
        and all(isinstance(each, int) and MIN_BLOCKS <= each <= MAX_BLOCKS for each in value)
        and value == sorted(set(value))
    )

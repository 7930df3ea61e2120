"""When the faults of a run were in force, on the time axis of its charts."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .faults import KINDS


class Band(NamedTuple):
    """A fault by its title, from `start_s` to `end_s` in seconds since the first request; an instant has both equal."""

    title: str
    start_s: float
    end_s: float


def bands(entries: Iterable[Mapping[str, Any]], first_ms: float, last_ms: float) -> list[Band]:
    """The faults that were made, of the entries of a record; times are in ms of the run's clock."""
    return [_band(entry, first_ms, last_ms) for entry in entries if entry["begin_us"] is not None]


def _band(entry: Mapping[str, Any], first_ms: float, last_ms: float) -> Band:
    end_us = entry["end_us"]
    end_ms = last_ms if end_us is None else end_us / 1000
    kind = KINDS.get(entry["name"])
    title = kind.title if kind else entry["name"]
    return Band(title, (entry["begin_us"] / 1000 - first_ms) / 1000, (end_ms - first_ms) / 1000)

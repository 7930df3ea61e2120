"""When the faults of a run were in force, on the time axis of its charts."""

from typing import NamedTuple

from workbench.faults import KEY, KINDS
from workbench.recording import Run

FIRST = "SELECT min(greatest(start_ms, scheduled_ms)) AS first_ms, max(start_ms + latency_ms) AS last_ms FROM requests"


class Band(NamedTuple):
    """A fault by its title, from `start_s` to `end_s` in seconds since the first request; an instant has both equal."""

    title: str
    start_s: float
    end_s: float


def fault_bands(run: Run) -> list[Band]:
    """The faults that were made in a run; one that did not end lasts until the last response."""
    entries = [entry for entry in run.record.get(KEY) or () if entry["begin_us"] is not None]
    if not entries or not run.is_readable():
        return []
    first_ms, last_ms = run.rows.query(FIRST).iloc[0]
    return [_band(entry, float(first_ms), float(last_ms)) for entry in entries]


def _band(entry: dict, first_ms: float, last_ms: float) -> Band:
    end_us = entry["end_us"]
    end_ms = last_ms if end_us is None else end_us / 1000
    kind = KINDS.get(entry["name"])
    title = kind.title if kind else entry["name"]
    return Band(title, (entry["begin_us"] / 1000 - first_ms) / 1000, (end_ms - first_ms) / 1000)

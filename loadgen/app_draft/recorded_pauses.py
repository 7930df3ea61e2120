"""The think time of a recording: the pauses between a response and the next request."""

from collections.abc import Sequence

from .har_entries import Entry

MAX_PAUSE_S = 60.0  # a longer pause is one of the person, and not of the use
MAX_PAUSES = 20
MIN_PAUSES = 3  # fewer say nothing


def pauses_s(entries: Sequence[Entry]) -> tuple[float, ...]:
    """Recorded pauses in seconds, 20 of them at most; empty for too few.

    A request that was sent before the previous responses had ended has a pause of 0, so that a user of the load sends
    as many requests a minute as the recorded one did.
    """
    timed = sorted((each.started_s, each.duration_s) for each in entries if each.started_s is not None)
    pauses, end_s = [], None
    for started_s, duration_s in timed:
        if end_s is not None:
            pauses.append(min(MAX_PAUSE_S, max(0.0, started_s - end_s)))
        end_s = max(end_s or started_s, started_s + duration_s)
    return _spread(sorted(pauses)) if len(pauses) >= MIN_PAUSES else ()


def _spread(pauses: Sequence[float]) -> tuple[float, ...]:
    """So many of the sorted values at most, evenly chosen."""
    count = min(MAX_PAUSES, len(pauses))
    return tuple(round(pauses[int((number + 0.5) * len(pauses) / count)], 3) for number in range(count))

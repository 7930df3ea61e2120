"""Requests that were in flight in a worker when a fault killed or stopped it.

A request was in flight in the worker if

- it was sent before the worker stopped answering, or at most `KILL_MS` later, and had no answer by then; or
- it was sent after that, before the fault ended, on a connection that the worker had accepted before: the answer
  before it to the same user came from this worker. Such a connection waits until a stuck worker is ended, and then
  closes: one failed request a connection. A stopped worker accepts no new connection; the other worker does.

The worker stops answering as a fault begins that kills it or lets it stand still. Memory is used up first, until the
kernel ends a worker; when, is known from the readings, which note it up to `NOTICE_MS` later. The worker of the fault
is the one that answered before, and nothing until the end.
"""

from collections.abc import Iterator

import pandas as pd

from workbench.recording import Run

KILL_MS = 100.0  # in which a request may still reach a worker that is being ended
NOTICE_MS = 250.0
OUT_OF_MEMORY = "worker-out-of-memory"


def were_in_flight(
    run: Run, requests: pd.DataFrame, begin_ms: float | None, end_ms: float | None, name: str
) -> pd.Series:
    """True for the requests that were in flight in the worker that a fault of this name ended or stopped.

    `requests` are rows with `start_ms`, `latency_ms`, `worker`, and `worker_before`: that of the answer before.
    """
    start_ms, ended_ms = requests["start_ms"], requests["start_ms"] + requests["latency_ms"]
    are_explained = pd.Series(False, index=requests.index)
    if begin_ms is None:
        return are_explained
    for from_ms, to_ms in _stops(run, begin_ms, name):
        are_explained |= (start_ms < to_ms + KILL_MS) & ~(ended_ms < from_ms)
    if name == OUT_OF_MEMORY:  # which ends a worker at once
        return are_explained
    until_ms = float("inf") if end_ms is None else end_ms
    is_stopped = requests["worker_before"].isin(_silent_workers(requests, begin_ms, until_ms))
    return are_explained | (is_stopped & (start_ms >= begin_ms) & (start_ms < until_ms + KILL_MS))


def _stops(run: Run, begin_ms: float, name: str) -> Iterator[tuple[float, float]]:
    """Between which instants (ms) a worker stopped answering; none where memory ended no worker."""
    if name != OUT_OF_MEMORY:
        yield begin_ms, begin_ms
        return
    for kill in (run.record.get("memory") or {}).get("kills") or ():
        at_ms = kill["at_us"] / 1000
        if at_ms >= begin_ms:
            yield max(begin_ms, at_ms - NOTICE_MS), at_ms


def _silent_workers(requests: pd.DataFrame, begin_ms: float, end_ms: float) -> set[float]:
    """The workers that answered before a fault, and not while it was in force."""
    ended_ms = requests["start_ms"] + requests["latency_ms"]
    before = requests.loc[ended_ms < begin_ms, "worker"].dropna()
    meanwhile = requests.loc[(ended_ms >= begin_ms + KILL_MS) & (ended_ms < end_ms), "worker"].dropna()
    return set(before) - set(meanwhile)

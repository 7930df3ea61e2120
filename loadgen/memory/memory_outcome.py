"""Running out of memory as the outcome of a run: what the kernel ended, at which load, and what the log says of it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .memory_limit import MemoryLimit
from .memory_watch import Kill

LOG_PHRASE = "Perhaps out of memory?"  # of gunicorn, about a worker that got SIGKILL
MAX_LINES = 5  # of the log in the record, and of kills in the summary
MIB = 2**20


def record(limit: MemoryLimit, kills: Sequence[Kill], peak_pss_bytes: int | None, log: Path) -> dict[str, Any]:
    """The entry `memory` of `run.json`."""
    lines = _log_lines(log)
    return {
        **limit.record(peak_pss_bytes),
        "kills": [kill.record() for kill in kills],
        "log_reports": len(lines),
        "log": lines[:MAX_LINES],
    }


def _log_lines(log: Path) -> list[str]:
    """What gunicorn says of workers that were ended; it knows the signal and guesses the cause."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [line.rpartition("] ")[2] for line in lines if LOG_PHRASE in line]


def add_load(memory: dict, requests: Path) -> None:
    """Add to each kill how many requests were in flight, by the rows of the run, and of how many users."""
    if not memory["kills"]:
        return
    rows = pd.read_parquet(requests, columns=["user", "start_us", "latency_us"])
    end_us = rows["start_us"] + rows["latency_us"].fillna(0)
    for kill in memory["kills"]:
        in_flight = rows[(rows["start_us"] <= kill["at_us"]) & (end_us > kill["at_us"])]
        kill |= {"in_flight": len(in_flight), "users": int(in_flight["user"].nunique())}


def lines(record: Mapping) -> Iterator[str]:
    """The lines of a run's summary about its memory; none where nothing ran out and every limit was applied."""
    memory = record.get("memory") or {}
    if (outcome := record.get("outcome") or {}).get("started") is False and memory.get("oom_kills"):
        yield f"No load was sent: {outcome['message']}"
    if memory.get("limit_mib") and not memory.get("enforced"):
        yield _not_enforced(memory)
    kills = memory.get("kills") or []
    for kill in kills[:MAX_LINES]:
        load = f", with {kill['in_flight']} requests in flight" if "in_flight" in kill else ""
        yield f"Out of memory: the kernel ended {_process(kill)} after {kill['at_us'] / 1e6:.1f} s{load}"
    if len(kills) > MAX_LINES:
        yield f"Out of memory: {len(kills)} processes were ended in all"
    if memory.get("log_reports"):
        yield f"The application's log says {memory['log_reports']} times: {memory['log'][0]}"


def _process(kill: Mapping) -> str:
    if kill["pid"] is None:
        return "a process"
    name = kill["process"] if kill["worker"] is None else f"worker {kill['worker']}"
    return f"{name} (id {kill['pid']})"


def _not_enforced(memory: Mapping) -> str:
    peak = memory.get("peak_pss_bytes")
    used = f"the largest PSS was {peak / MIB:,.0f} MiB" if peak else "its memory was not read"
    over = ", over the limit" if memory.get("over_limit") else ""
    return f"The memory limit of {memory['limit_mib']} MiB was not enforced ({memory['reason']}); {used}{over}"

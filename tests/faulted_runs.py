"""Runs under a fault whose outcome is known: 40 requests a second from 2 s on, each answered after 5 ms.

The fault begins 8 s after the first request. A test changes rows and fields of the record, and states the consequence.
"""

from collections.abc import Iterable

from tests import synthetic_runs
from tests.builders import Builder, RunFiles
from workbench.faults import KINDS, PREFIX
from workbench.request_schema import MEASURE, WARM_UP

RATE_RPS, WARMUP_S, AFTER_S = 40, 3.0, 8.0
BEGIN_S = 8.0  # since the first request
FIRST_US = synthetic_runs.LOAD_START_US
LATENCY_US = 5_000


def faulted(builder: Builder, name: str, deployment: str = "tuned", *, block: int = 0) -> RunFiles:
    """A run without a failure under the fault of this name, which lasts as long as its catalogue says."""
    run = builder.run(deployment, f"{PREFIX}{name}", block=block)
    duration_s = KINDS[name].duration_s
    row = run.rows[0] | {"endpoint": "dashboard", "status": 200}
    number = round(RATE_RPS * (BEGIN_S + duration_s + AFTER_S))
    run.rows = [_row(row, position, position / RATE_RPS) for position in range(number)]
    begin_us = FIRST_US + round(BEGIN_S * 1e6)
    run.record["faults"] = [
        {"name": name, "begin_us": begin_us, "end_us": begin_us + round(duration_s * 1e6), "reason": ""}
    ]
    run.record["connections"] = {"allowed": 6, "after_load": 6, "idle_in_transaction": 0, "after_stop": 0}
    no_loss = dict.fromkeys(("lost", "doubled", "unacknowledged", "wrong_user"), 0)
    run.record["writes"] = {"acknowledged": 60, "stored": 60, **no_loss}
    run.record["served"] = number
    return run


def _row(row: dict, position: int, at_s: float) -> dict:
    start_us = FIRST_US + round(1e6 * at_s)
    times = {"scheduled_us": start_us, "start_us": start_us, "latency_us": LATENCY_US, "response_us": LATENCY_US}
    phase = WARM_UP if at_s < WARMUP_S else MEASURE
    return row | times | {"user": position, "sequence": 1, "phase": phase}


def between(run: RunFiles, from_s: float, to_s: float) -> list[dict]:
    """The rows that were sent in this time, in seconds since the first request."""
    return [row for row in run.rows if from_s <= (row["start_us"] - FIRST_US) / 1e6 < to_s]


def refuse(rows: Iterable[dict], after_s: float = 1.0) -> None:
    """Answer these requests with a 503 with Retry-After."""
    fail(rows, "status 503", status=503, after_s=after_s)


def fail(rows: Iterable[dict], kind: str, *, status: int | None = None, after_s: float = 0.0) -> None:
    """Let these requests fail."""
    for row in rows:
        slow(row, after_s)
        row |= {"ok": False, "error": kind, "status": status}


def slow(row: dict, after_s: float) -> None:
    """Let a request take so long."""
    row["latency_us"] = row["response_us"] = max(LATENCY_US, round(1e6 * after_s))

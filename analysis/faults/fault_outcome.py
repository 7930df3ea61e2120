"""What happened in one run under a fault: failures, the longest request, recovery, and what was leaked or lost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from workbench import validity
from workbench.failures import NO_REASON
from workbench.faults import IN_FLIGHT, KEY, REFUSED, FaultKind, kind_of
from workbench.recording import Run
from workbench.request_schema import DRAIN, MEASURE

from .recovery import Recovery, recovery
from .worker_failures import were_in_flight

ROWS = f"""
    SELECT endpoint, start_ms, latency_ms, ok, error, worker, worker_before
    FROM (SELECT *, lag(worker) OVER (PARTITION BY "user" ORDER BY sequence) AS worker_before FROM requests)
    WHERE phase IN ('{MEASURE}', '{DRAIN}') ORDER BY start_ms
"""


class Connections(NamedTuple):
    """Sessions of the application at the server, each None where it was not counted.

    after_load           at the end of the load, before the application was stopped
    allowed              the limit of its pools
    idle_in_transaction  of those at the end of the load
    after_stop           after the application has ended
    """

    after_load: int | None = None
    allowed: int | None = None
    idle_in_transaction: int | None = None
    after_stop: int | None = None

    @property
    def leaked(self) -> int | None:
        """Sessions that should not be there; None where one of the counts is missing.

        At the end of the load the larger of two numbers, as a session may count in both: sessions beyond the limit, and
        sessions idle in a transaction. Sessions that are open after the application has ended are added.
        """
        after_load, allowed, idle, after_stop = self
        if after_load is None or allowed is None or idle is None or after_stop is None:
            return None
        return max(after_load - allowed, idle, 0) + after_stop


@dataclass(frozen=True)
class FaultOutcome:
    """The outcome of a run. Requests are those of the measured phase and of the drain; times are in ms.

    kinds              failed requests by kind
    refused            failures that are a clean refusal: a 503 with Retry-After
    unclean_kinds      the other failures by kind
    in_flight          of these the ones of requests in flight in the worker, see `worker_failures`; 0 where the fault
                       is none of a worker
    before             failures of requests that were answered before it began
    longest_ms, longest_failed_ms, longest_refusal_ms
                       latencies: of all requests, failures, clean refusals. The wait of an arrival for one of the load
                       generator's users is not in them: there are fewer than would come while nothing is answered.
    duration_ms        of the fault; None while it did not end
    connections        what was counted of the application's sessions at the server: see `Connections`
    lost, doubled      acknowledged writes that are not stored, and rows of writes that no request explains; None where
                       they were not compared
    wrong_user         stored writes of another user than sent them; None where that was not compared
    rows_lost          requests that the application served, or the generator counted, without a row of their own
    dropped            arrivals that were due and never sent
    left_behind        what the end of the run left running; empty where nothing
    has_ended          whether the run came to its own end
    """

    run: str
    kind: FaultKind
    requests: int
    kinds: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    unclean_kinds: Mapping[str, int] = field(default_factory=dict)
    in_flight: int = 0
    before: int = 0
    longest_ms: float | None = None
    longest_failed_ms: float | None = None
    longest_refusal_ms: float | None = None
    duration_ms: float | None = None
    recovery: Recovery = field(default_factory=Recovery)
    connections: Connections = field(default_factory=Connections)
    lost: int | None = None
    doubled: int | None = None
    wrong_user: int | None = None
    rows_lost: int | None = None
    dropped: int = 0
    left_behind: str = ""
    has_ended: bool = True

    @property
    def failed(self) -> int:
        """All failed requests."""
        return sum(self.kinds.values())

    @property
    def unclean(self) -> int:
        """The failures that are no clean refusal."""
        return sum(self.unclean_kinds.values())

    @property
    def leaked(self) -> int | None:
        """Sessions on the server that should not be there; None where one of the counts is missing."""
        return self.connections.leaked


def fault_of(run: Run) -> Mapping[str, Any] | None:
    """The entry of the first fault in the record of a run; None where none was recorded."""
    entries = run.record.get(KEY) or []
    return entries[0] if entries else None


def not_made_reason(run: Run) -> str:
    """Why the fault of a run could not be made; empty where it was made."""
    entry = fault_of(run)
    if entry is None or entry["begin_us"] is not None:
        return ""
    return entry.get("reason") or "it did not begin before the run ended"


def outcome_of(run: Run) -> FaultOutcome | None:
    """The outcome of a run of a scenario `fault-<name>`; None of another one, or of one without readable rows."""
    kind = kind_of(run.scenario)
    if kind is None or not run.is_readable():
        return None
    requests = run.rows.query(ROWS)
    entry = fault_of(run) or {}
    begin_ms, end_ms = _ms(entry.get("begin_us")), _ms(entry.get("end_us"))
    return FaultOutcome(
        run=run.name,
        kind=kind,
        requests=len(requests),
        **_failures(requests, begin_ms),
        in_flight=_in_flight(run, kind, requests, begin_ms, end_ms),
        longest_ms=_longest(requests),
        duration_ms=None if begin_ms is None or end_ms is None else end_ms - begin_ms,
        recovery=Recovery() if begin_ms is None else recovery(requests, begin_ms, end_ms),
        connections=_connections(run),
        lost=_written(run, "lost"),
        doubled=_written(run, "doubled"),
        wrong_user=_written(run, "wrong_user"),
        rows_lost=_rows_lost(run),
        dropped=sum(run.dropped.values()),
        left_behind="" if begin_ms is None else entry.get("reason", ""),
        has_ended=run.status == "complete",
    )


def _failures(requests: pd.DataFrame, begin_ms: float | None) -> dict[str, Any]:
    """The fields of an outcome that are about failed requests."""
    failures = requests[~requests["ok"]]
    is_refusal = failures["error"] == REFUSED
    refusals, others = failures[is_refusal], failures[~is_refusal]
    ended_ms = failures["start_ms"] + failures["latency_ms"]
    return {
        "kinds": _kinds(failures),
        "refused": len(refusals),
        "unclean_kinds": _kinds(others),
        "before": 0 if begin_ms is None else int((ended_ms < begin_ms).sum()),
        "longest_failed_ms": _longest(failures),
        "longest_refusal_ms": _longest(refusals),
    }


def _in_flight(run: Run, kind: FaultKind, requests: pd.DataFrame, begin_ms: float | None, end_ms: float | None) -> int:
    """How many unclean failures were of requests in flight in a worker that the fault ended or stopped."""
    if kind.promise != IN_FLIGHT:
        return 0
    is_unclean = ~requests["ok"] & (requests["error"] != REFUSED)
    return int((is_unclean & were_in_flight(run, requests, begin_ms, end_ms, kind.name)).sum())


def _kinds(failures: pd.DataFrame) -> dict[str, int]:
    """Failures by kind, the most frequent first."""
    return dict(Counter(failures["error"].fillna(NO_REASON)).most_common())


def _longest(requests: pd.DataFrame) -> float | None:
    longest = requests["latency_ms"].max()
    return None if pd.isna(longest) else float(longest)


def _connections(run: Run) -> Connections:
    counts = run.record.get("connections") or {}
    return Connections(*(counts.get(name) for name in Connections._fields))


def _written(run: Run, name: str) -> int | None:
    return (run.record.get("writes") or {}).get(name)


def _rows_lost(run: Run) -> int | None:
    """Served requests without a row, where the run was ended; else the rows missing against the generator's count."""
    if run.status != "complete":
        served = run.record.get("served")
        answered = run.rows.query("SELECT count(status) AS answered FROM requests")["answered"].iloc[0]
        return None if served is None else max(0, int(served) - int(answered))
    counted = (gate["value"] for gate in run.record.get("gates", []) if gate["name"] == validity.COUNTED.name)
    value = next(counted, None)
    return None if value is None else int(value)


def _ms(instant_us: int | None) -> float | None:
    return None if instant_us is None else instant_us / 1000

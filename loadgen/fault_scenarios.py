"""The scenarios `fault-<name>`: open load with writes, and a fault in the middle of it."""

from collections.abc import Iterator
from typing import Any

from workbench import endpoints, faults

from .arrivals import Piece
from .fault_needs.planned_fault import PlannedFault

RATE_RPS = 40.0
WARMUP_S = 3.0
BEFORE_S = 5.0  # of the measured time, for the latency without the fault
AFTER_S = 10.0  # for the recovery
MAX_IN_FLIGHT = 900  # what comes in while nothing is answered
SESSIONS = 20  # of as many accounts; the other users share their cookies, as 900 logins would take a minute
SLOW_STATEMENT_S = 20.0

# A trigger that does nothing until its function is replaced, which takes no lock on the table.
WITH_TRIGGER = """
CREATE FUNCTION tracetrack.slow_down() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER a_slow_down BEFORE INSERT ON tracetrack.scan FOR EACH ROW EXECUTE FUNCTION tracetrack.slow_down();
"""
SQL_BEFORE = {"slow-statement": WITH_TRIGGER}
# The first scan to come gets the lock, and is slow; no other waits for it.
SLOW_FUNCTION = f"""
CREATE OR REPLACE FUNCTION tracetrack.slow_down() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_try_advisory_xact_lock(4711) THEN PERFORM pg_sleep({SLOW_STATEMENT_S}); END IF;
    RETURN NEW;
END $$;
"""
FAST_FUNCTION = (
    "CREATE OR REPLACE FUNCTION tracetrack.slow_down() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
)


def rows() -> Iterator[dict[str, Any]]:
    """The fields of each scenario."""
    for kind in faults.KINDS.values():
        yield {"name": f"{faults.PREFIX}{kind.name}", "description": _description(kind), **_fields(kind)}


def _description(kind: faults.FaultKind) -> str:
    return f"{RATE_RPS:.0f} requests are due each second, a fifth of them scans; after {BEFORE_S:.0f} s: {kind.title}."


def _fields(kind: faults.FaultKind) -> dict[str, Any]:
    duration_s = BEFORE_S + kind.duration_s + AFTER_S
    return {
        "kind": "open",
        "users": MAX_IN_FLIGHT,
        "sessions": SESSIONS,
        "warmup_s": WARMUP_S,
        "duration_s": duration_s,
        "rates": (Piece(duration_s, RATE_RPS, RATE_RPS),),
        "shares": endpoints.READ_WRITE_SHARES,
        "faults": (PlannedFault(kind.name, WARMUP_S + BEFORE_S, kind.duration_s),),
        "sql_before": SQL_BEFORE.get(kind.name, ""),
    }

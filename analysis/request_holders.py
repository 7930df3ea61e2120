"""Which requests held the worker of a request while it waited.

A request waits from its send until the application has it (`queue`). The requests that the same worker served in that
time held the worker. A synchronous worker serves one request at a time, so the one that it served was the cause. Where
several threads or greenlets share a worker, each of them may have been the cause.
"""

import pandas as pd

from workbench.recording import Run
from workbench.server_kinds import LOOPS, THREADED

COLUMNS = ["user", "sequence", "endpoint", "served_from_ms", "served_to_ms", "held_ms", "app_ms", "ok"]
_SERVED = "SELECT *, start_ms + queue_ms AS served_from_ms, start_ms + queue_ms + app_ms AS served_to_ms FROM requests"


def request_row(run: Run, user: int, sequence: int) -> pd.Series | None:
    """One request with all of its columns, and `served_from_ms` and `served_to_ms`; None where there is none."""
    table = run.rows.query(f"SELECT * FROM ({_SERVED}) WHERE user = ? AND sequence = ?", [user, sequence])
    return None if table.empty else table.iloc[0]


def holders(run: Run, request: pd.Series) -> pd.DataFrame:
    """The requests that the same worker served while this one waited, in the order in which it took them.

    Columns are `COLUMNS`; `held_ms` is the part of the wait in which the worker served it. Empty where the request did
    not wait, or where worker or queue were not measured.
    """
    if request[["worker", "queue_ms"]].isna().any():
        return pd.DataFrame(columns=COLUMNS)
    from_ms, to_ms = float(request["start_ms"]), float(request["start_ms"] + request["queue_ms"])
    return run.rows.query(
        f"""
        SELECT user, sequence, endpoint, served_from_ms, served_to_ms,
               least(served_to_ms, ?) - greatest(served_from_ms, ?) AS held_ms, app_ms, ok
        FROM ({_SERVED})
        WHERE worker = ? AND served_from_ms < ? AND served_to_ms > ? AND NOT (user = ? AND sequence = ?)
        ORDER BY served_from_ms
        """,
        [to_ms, from_ms, int(request["worker"]), to_ms, from_ms, int(request["user"]), int(request["sequence"])],
    )


def served_at_once(run: Run) -> int | None:
    """The number of requests that a worker serves at once: 1, the threads, or None for any number (an event loop)."""
    settings = run.record["deployment"].get("settings") or {}
    server = settings.get("server")
    if server in LOOPS or server is None:
        return None
    return int(settings["threads"]) if server in THREADED else 1

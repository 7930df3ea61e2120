"""The requests of a run that a figure shows: all of a small run, the slowest and a sample of a large one."""

import pandas as pd

from analysis.selection_contrast import CONNECTION
from workbench.recording import Run

MAX_POINTS = 12_000  # which a browser draws and moves without a delay
MAX_SLOWEST = 4_000  # of them, which no sample may miss
COLUMNS = (
    "user, sequence, endpoint, start_ms - min(start_ms) OVER () AS at_ms, latency_ms, worker, "
    f"{CONNECTION} AS connection, cache, ok"
)


def points(run: Run) -> tuple[pd.DataFrame, int]:
    """The points of a figure and the number of measured requests with a latency.

    Columns: user, sequence, endpoint, at_ms (from the first measured send), latency_ms, worker, connection (a text with
    its worker), cache, ok. Of more than `MAX_POINTS` requests the slowest ones, and of the others those whose hash of
    user and sequence is smallest: the same points every time.
    """
    number = int(run.rows.query("SELECT count(latency_ms) AS requests FROM measured")["requests"].iloc[0])
    shown = f"SELECT {COLUMNS} FROM measured WHERE latency_ms IS NOT NULL"
    if number <= MAX_POINTS:
        return run.rows.query(f"{shown} ORDER BY at_ms, user, sequence"), number
    table = run.rows.query(f"""
        WITH shown AS ({shown}),
        slowest AS (SELECT * FROM shown ORDER BY latency_ms DESC, user, sequence LIMIT {MAX_SLOWEST}),
        others AS (SELECT * FROM shown ORDER BY hash(user, sequence) LIMIT {MAX_POINTS - MAX_SLOWEST})
        SELECT * FROM slowest UNION SELECT * FROM others ORDER BY at_ms, user, sequence
    """)
    return table, number

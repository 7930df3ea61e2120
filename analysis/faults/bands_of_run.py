"""The faults of a recorded run, for its charts."""

from workbench.fault_bands import Band, bands
from workbench.faults import KEY
from workbench.recording import Run

FIRST = "SELECT min(greatest(start_ms, scheduled_ms)) AS first_ms, max(start_ms + latency_ms) AS last_ms FROM requests"


def fault_bands(run: Run) -> list[Band]:
    """The faults that were made in a run; one that did not end lasts until the last response."""
    entries = run.record.get(KEY) or ()
    if not entries or not run.is_readable():
        return []
    first_ms, last_ms = run.rows.query(FIRST).iloc[0]
    return bands(entries, float(first_ms), float(last_ms))

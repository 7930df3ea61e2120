"""What a `Server-Timing` header says, as the columns of a row."""

import pyarrow as pa

from workbench.request_schema import DURATIONS, WRITTEN
from workbench.request_stream import to_stored

COLUMNS = (*DURATIONS, "db_calls", "db_round_trips", "cache", "worker", "connection")


def server_timing(header: str | None) -> dict:
    """The columns that the header fills; those that it does not name are left out."""
    written = dict.fromkeys(WRITTEN.names, 0) | {"endpoint": "", "phase": "measure", "error": None, "latency_us": 10**9}
    batch = pa.RecordBatch.from_pylist([written | {"server_timing": header}], schema=WRITTEN)
    (row,) = to_stored(batch).to_pylist()
    return {name: row[name] for name in COLUMNS if row[name] is not None}

"""One row for each request, written as it happens.

Rows go to an Arrow IPC stream in the run's directory, one file for each process of the generator; a process that
is killed loses at most the last batch. `compact` makes one Parquet file of them when the run has ended.

Columns: see `SCHEMA`. Times are microseconds: int64 since the start of the run, int32 for durations. Null means
not measured, 0 means measured and none.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.stream import STREAMS, read_stream

ROWS_PER_BATCH = 500
WRITE_FAILED = 3  # how a generator ends whose rows could not be written

DURATIONS = ("queue_us", "pool_us", "db_us", "hash_us", "cache_us", "session_us", "app_us")
SCHEMA = pa.schema(
    [
        ("user", pa.int32()),
        ("sequence", pa.int32()),
        ("endpoint", pa.string()),
        ("phase", pa.string()),
        ("scheduled_us", pa.int64()),
        ("start_us", pa.int64()),
        ("latency_us", pa.int32()),
        ("response_us", pa.int32()),
        ("status", pa.int16()),
        ("ok", pa.bool_()),
        ("error", pa.string()),
        ("bytes", pa.int32()),
        ("queue_us", pa.int32()),
        ("pool_us", pa.int32()),
        ("db_us", pa.int32()),
        ("db_calls", pa.int16()),
        ("db_round_trips", pa.int16()),
        ("hash_us", pa.int32()),
        ("cache_us", pa.int32()),
        ("cache", pa.string()),
        ("session_us", pa.int32()),
        ("app_us", pa.int32()),
        ("worker", pa.int16()),
    ]
)

_ENTRY = re.compile(r'([a-z]+)(?:;dur=([0-9.]+))?(?:;desc="([^"]*)")?')


class Recorder:
    """Writes the rows of this process. `on_failure` is called once, with the reason, when a write fails."""

    def __init__(self, directory: Path, on_failure: Callable[[str], None]):
        self.path = directory / f"requests-{os.getpid()}.arrows"
        self.rows = 0
        self._file = self.path.open("wb")
        self._stream = pa.ipc.new_stream(self._file, SCHEMA)
        # pyarrow's first conversion imports pandas: over a second in which the generator would stand still.
        pa.RecordBatch.from_pylist([], schema=SCHEMA)
        self._pending: list[dict] = []
        self._on_failure = on_failure
        self._failed = False

    def add(self, row: dict) -> None:
        self._pending.append(row)
        self.rows += 1
        if len(self._pending) >= ROWS_PER_BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand what is pending to the kernel, from where a kill of this process cannot take it back."""
        pending, self._pending = self._pending, []
        if not pending or self._failed:
            return
        try:
            self._stream.write_batch(pa.RecordBatch.from_pylist(pending, schema=SCHEMA))
            self._file.flush()
        except OSError as error:
            self._failed = True
            self._on_failure(f"the rows could not be written: {error.strerror or error}")

    def close(self) -> None:
        self.flush()
        if not self._failed:
            self._stream.close()
            self._file.close()


def server_timing(header: str | None) -> dict:
    """The columns that the application's `Server-Timing` header fills; those it does not name stay null."""
    columns = {}
    for name, duration_ms, detail in _ENTRY.findall(header or ""):
        if duration_ms and f"{name}_us" in DURATIONS:
            columns[f"{name}_us"] = round(float(duration_ms) * 1000)
        if name == "db" and detail.isdigit():
            columns["db_calls"] = int(detail)
        elif name == "trips" and detail.isdigit():
            columns["db_round_trips"] = int(detail)
        elif name == "cache" and detail:
            columns["cache"] = detail
        elif name == "worker" and detail.isdigit():
            columns["worker"] = int(detail)
    return columns


def compact(directory: Path) -> int:
    """Turn the streams of a run that has ended into `requests.parquet`; the number of rows."""
    stored = directory / "requests.parquet"
    if stored.exists():
        return pq.read_metadata(stored).num_rows
    batches = [batch for path in sorted(directory.glob(STREAMS)) for batch in read_stream(path)]
    table = pa.Table.from_batches(batches, schema=SCHEMA).sort_by("start_us")
    half = directory / "requests.parquet.half"
    pq.write_table(table, half, compression="zstd")
    half.rename(stored)
    for path in directory.glob(STREAMS):
        path.unlink()
    return table.num_rows

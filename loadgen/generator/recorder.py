"""One row for each request, written as it happens.

Rows go to an Arrow stream in the run's directory, one file for each process of the generator; a process that is killed
loses at most the last batch. `compact` makes one Parquet file of them when the run has ended. Neither keeps more than
a batch in memory, however long the run.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.request_schema import SCHEMA, STREAMS, WRITTEN, read_stream

ROWS_PER_BATCH = 250
FLUSH_EVERY_S = 0.5  # batches are smaller where few requests come
ROWS_PER_GROUP = 100_000
# Few words come again and again; times hardly ever do, but are near the one before. This halves what small runs take.
WORDS = [field.name for field in SCHEMA if pa.types.is_string(field.type) or pa.types.is_int16(field.type)]
TIMES = [field.name for field in SCHEMA if pa.types.is_int32(field.type) or pa.types.is_int64(field.type)]
STORED_AS = {
    "compression": "zstd",
    "use_dictionary": WORDS,
    "column_encoding": dict.fromkeys(TIMES, "DELTA_BINARY_PACKED"),
    "store_schema": False,  # Parquet's own types say all of it
}
NOT_WRITTEN = "the rows could not be written"
WRITE_FAILED = 3  # how a generator ends whose rows could not be written


class Recorder:
    """Writes the rows of this process: `row` makes one, the values of `WRITTEN`, of what was noted of a request.

    Rows are made a batch at a time: code that was just used is several times faster than between two requests.
    `on_failure` is called once, with the reason, when a write fails.
    """

    def __init__(self, directory: Path, row: Callable[..., tuple], on_failure: Callable[[str], None]):
        self.path = directory / f"requests-{os.getpid()}.arrows"
        self.rows = 0
        # What a flush takes longer than its CPU it waits for a core, as everything else in this process.
        self.longest_flush_ms = self.longest_flush_cpu_ms = 0.0
        self._file = self.path.open("wb")
        self._stream = pa.ipc.new_stream(self._file, WRITTEN)
        # pyarrow's first conversion imports pandas: over a second in which the generator would stand still.
        self._stream.write_batch(_batch([]))
        self._row = row
        self._pending: list[tuple] = []
        self._on_failure = on_failure
        self._failed = False

    def add(self, noted: tuple) -> None:
        """What was noted of a request is what `row` is called with, in flushing."""
        self._pending.append(noted)
        if len(self._pending) >= ROWS_PER_BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand what is pending to the kernel, from where a kill of this process cannot take it back."""
        pending, self._pending = self._pending, []
        self.rows += len(pending)
        if not pending or self._failed:
            return
        began_s, began_cpu_s = time.perf_counter(), time.thread_time()
        try:
            self._stream.write_batch(_batch([self._row(*noted) for noted in pending]))
            self._file.flush()
        except OSError as error:
            self._fail(f"{NOT_WRITTEN}: {error.strerror or error}")
        except Exception as error:  # a client or a locustfile may report what no row can hold
            self._fail(f"rows could not be made of what was reported: {type(error).__name__}: {error}")
        self.longest_flush_ms = max(self.longest_flush_ms, 1000 * (time.perf_counter() - began_s))
        self.longest_flush_cpu_ms = max(self.longest_flush_cpu_ms, 1000 * (time.thread_time() - began_cpu_s))

    def _fail(self, reason):
        self._failed = True
        self._on_failure(reason)

    def close(self) -> None:
        self.flush()
        if not self._failed:
            self._stream.close()
            self._file.close()


def _batch(rows):
    columns = zip(*rows, strict=True) if rows else [()] * len(WRITTEN)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, WRITTEN, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=WRITTEN)


def compact(directory: Path) -> int:
    """Make `requests.parquet` of the streams of a run that has ended; the number of rows.

    Rows stay in the order in which their answers came, one process after the other. The streams stay too.
    """
    stored = directory / "requests.parquet"
    if stored.exists():
        return pq.read_metadata(stored).num_rows
    half = directory / "requests.parquet.half"
    rows = 0
    with pq.ParquetWriter(half, SCHEMA, **STORED_AS) as writer:
        for group in _groups(directory):
            rows += group.num_rows
            writer.write_table(group, row_group_size=ROWS_PER_GROUP)
    half.rename(stored)
    return rows


def remove_streams(directory: Path) -> None:
    """What `compact` has read is no longer needed, once its rows were counted."""
    for path in directory.glob(STREAMS):
        path.unlink()


def _groups(directory):
    """Tables of some `ROWS_PER_GROUP` rows, as small ones would be stored badly."""
    batches, rows = [], 0
    for path in sorted(directory.glob(STREAMS)):
        for batch in read_stream(path):
            batches.append(batch)
            rows += batch.num_rows
            if rows >= ROWS_PER_GROUP:
                yield pa.Table.from_batches(batches)
                batches, rows = [], 0
    if batches:
        yield pa.Table.from_batches(batches)

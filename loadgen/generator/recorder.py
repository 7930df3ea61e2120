"""One row for each request, written as it happens.

Rows go to an Arrow stream in the run's directory, one file for each process of the generator; a process that is killed
loses at most the last batch. No more than a batch is in memory, however long the run.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from workbench.request_schema import WRITTEN

from .fitting_values import fitting_row, is_fitting_batch
from .interface import IN_FLIGHT

ROWS_PER_BATCH = 500
FLUSH_EVERY_S = 0.5  # batches are smaller where few requests come
NOT_WRITTEN = "the rows could not be written"


def prepare() -> None:
    """Make the first rows: pyarrow then imports pandas, over a second in which the generator would stand still."""
    _batch([])


class Recorder:
    """Writes the rows of this process to its stream.

    `row` makes the values of `WRITTEN`, in its order, of the arguments that `add` keeps for each request. Rows are made
    a batch at a time: code that was just used is several times faster than between two requests. `on_failure` is called
    once, with the reason, when a write fails. `in_flight` returns the requests in flight, None where not counted: the
    number stands beside each batch, for those who watch the run.
    """

    def __init__(
        self,
        directory: Path,
        row: Callable[..., tuple],
        on_failure: Callable[[str], None],
        in_flight: Callable[[], int | None] = lambda: None,
    ):
        self.path = directory / f"requests-{os.getpid()}.arrows"
        self.rows = 0
        # The difference of the two is time in which the flush, and all else in this process, waits for a core.
        self.longest_flush_ms = self.longest_flush_cpu_ms = 0.0
        self.replaced_values = 0  # values that did not fit into their column
        self._file = self.path.open("wb")
        self._stream = pa.ipc.new_stream(self._file, WRITTEN)
        self._row = row
        self._pending: list[tuple] = []
        self._on_failure = on_failure
        self._failed = False
        self._in_flight = in_flight
        self._written_in_flight: int | None = None

    def add(self, row_arguments: tuple) -> None:
        """Keep the arguments with which `row` will be called for a request."""
        self._pending.append(row_arguments)
        if len(self._pending) >= ROWS_PER_BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand the pending rows to the kernel; a kill of this process cannot take them back from there."""
        pending, self._pending = self._pending, []
        self.rows += len(pending)
        in_flight = self._in_flight()
        if self._failed or not (pending or in_flight != self._written_in_flight):
            return
        start_s, start_cpu_s = time.perf_counter(), time.thread_time()
        try:
            batch = self._batch([self._row(*arguments) for arguments in pending])
            self._stream.write_batch(batch, custom_metadata=_metadata(in_flight))
            self._written_in_flight = in_flight
            self._file.flush()
        except OSError as error:
            self._fail(f"{NOT_WRITTEN}: {error.strerror or error}")
        self.longest_flush_ms = max(self.longest_flush_ms, 1000 * (time.perf_counter() - start_s))
        self.longest_flush_cpu_ms = max(self.longest_flush_cpu_ms, 1000 * (time.thread_time() - start_cpu_s))

    def _fail(self, reason: str) -> None:
        self._failed = True
        self._on_failure(reason)

    def _batch(self, rows: Sequence[tuple]) -> pa.RecordBatch:
        """The rows as Arrow; a client or a locustfile may report values that fit into no row, which are replaced."""
        try:
            if is_fitting_batch(batch := _batch(rows)):
                return batch
            raise ValueError("a value is beyond the bounds of its column")
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            fitted = [fitting_row(row) for row in rows]
            self.replaced_values += sum(count for _, count in fitted)
            return _batch([row for row, _ in fitted])

    def close(self) -> None:
        """Write the pending rows and end the stream, at the first call."""
        if self._file.closed:
            return
        self.flush()
        if not self._failed:
            self._stream.close()
        self._file.close()


def _metadata(in_flight: int | None) -> dict[bytes, bytes] | None:
    return None if in_flight is None else {IN_FLIGHT: b"%d" % in_flight}


def _batch(rows: Sequence[tuple]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(WRITTEN)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, WRITTEN, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=WRITTEN)

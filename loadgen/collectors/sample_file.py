"""Readings on their way to the disk, and what it costs to take them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_GROUP = 5_000


class SampleFile:
    """A Parquet file that is written while its rows come, so that a long run keeps few in memory.

    It has its name once it is closed.
    """

    def __init__(self, path: Path, schema: pa.Schema):
        self._path = path
        self._half = path.with_name(f"{path.name}.half")
        self._writer = pq.ParquetWriter(self._half, schema, compression="zstd")
        self._schema = schema
        self._pending: list[dict] = []

    def add(self, row: dict) -> None:
        """By column of the schema; what is left out is null."""
        self._pending.append(row)
        if len(self._pending) >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()
        self._half.rename(self._path)

    def _flush(self):
        self._writer.write_table(pa.Table.from_pylist(self._pending, schema=self._schema))
        self._pending = []


class Cost:
    """What readings take of this process: CPU in ms, how many there were, and the longest, in ms."""

    def __init__(self):
        self.cpu_ms = self.longest_ms = 0.0
        self.readings = 0

    @contextmanager
    def counted(self, readings: int = 1) -> Iterator[None]:
        """The block is a part of the cost, as so many readings."""
        began_s, began_cpu_s = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            self.cpu_ms += 1000 * (time.thread_time() - began_cpu_s)
            self.longest_ms = max(self.longest_ms, 1000 * (time.perf_counter() - began_s))
            self.readings += readings

    def record(self) -> dict[str, float]:
        return {"cpu_ms": self.cpu_ms, "readings": self.readings, "longest_ms": self.longest_ms}

"""A Parquet file of readings that is written while they are taken."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.atomic import partial_path

ROWS_PER_GROUP = 5_000


class SampleFile:
    """Rows of one schema; few of them are in memory, however long the run. The file has its name once it is closed."""

    def __init__(self, path: Path, schema: pa.Schema):
        self._path = path
        self._writer = pq.ParquetWriter(partial_path(path), schema, compression="zstd")
        self._schema = schema
        self._pending: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        """Add a row by column; columns that are left out are null."""
        self._pending.append(row)
        if len(self._pending) >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        """Write the pending rows and give the file its name."""
        self._flush()
        self._writer.close()
        partial_path(self._path).replace(self._path)

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._pending, schema=self._schema))
        self._pending = []

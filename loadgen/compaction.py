"""The request rows of a run that has ended: one Parquet file, made of the streams of the generator's processes.

No more than a group of rows is in memory, however long the run.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench import atomic
from workbench.request_schema import SCHEMA, STORED, STREAMS
from workbench.request_stream import read_stream

ROWS_PER_GROUP = 100_000
DISCARDED = "discarded_timings"  # in the metadata of the file, as the streams are gone afterwards
# A few words and small numbers come again and again; times hardly ever do, but are near the one before. These encodings
# halve the size of small runs.
REPEATED_COLUMNS = [field.name for field in SCHEMA if pa.types.is_string(field.type) or pa.types.is_int16(field.type)]
TIME_COLUMNS = [field.name for field in SCHEMA if pa.types.is_int32(field.type) or pa.types.is_int64(field.type)]
PARQUET_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": REPEATED_COLUMNS,
    "column_encoding": dict.fromkeys(TIME_COLUMNS, "DELTA_BINARY_PACKED"),
    "store_schema": False,  # Parquet's own types say all of it
}


def compact(directory: Path) -> int:
    """Make `requests.parquet` of the streams of a run that has ended; returns the number of rows.

    Rows stay in the order in which their responses came, one process after the other. The streams stay too.
    """
    stored = directory / STORED
    if stored.exists():
        return pq.read_metadata(stored).num_rows
    rows, discarded = 0, Counter[str]()
    with atomic.replacing(stored) as partial, pq.ParquetWriter(partial, SCHEMA, **PARQUET_OPTIONS) as writer:
        for group in _groups(directory, discarded):
            rows += group.num_rows
            writer.write_table(group, row_group_size=ROWS_PER_GROUP)
        writer.add_key_value_metadata({DISCARDED: json.dumps(discarded)})
    return rows


def discarded_timings(directory: Path) -> dict[str, int]:
    """By column, the durations that the application gave and that `compact` left out, as they cannot be."""
    metadata = pq.read_metadata(directory / STORED).metadata or {}
    return json.loads(metadata.get(DISCARDED.encode(), b"{}"))


def remove_streams(directory: Path) -> None:
    """Delete the streams, when `compact` has read them and its rows were counted."""
    for path in directory.glob(STREAMS):
        path.unlink()


def _groups(directory: Path, discarded: Counter[str]) -> Iterator[pa.Table]:
    """Tables of about `ROWS_PER_GROUP` rows, because small ones would be stored badly."""
    batches, rows = [], 0
    for path in sorted(directory.glob(STREAMS)):
        for batch in read_stream(path, discarded):
            batches.append(batch)
            rows += batch.num_rows
            if rows >= ROWS_PER_GROUP:
                yield pa.Table.from_batches(batches)
                batches, rows = [], 0
    if batches:
        yield pa.Table.from_batches(batches)

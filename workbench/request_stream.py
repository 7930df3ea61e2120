"""The rows of a run while it is going: one Arrow stream for each process of the load generator.

A stream keeps the `Server-Timing` header as it came: parsing it costs more than the rest of a row and can wait until
the run has ended. A stream without an end is read up to its last whole batch.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from . import server_timing_header
from .errors import RecordingError
from .record_files import regular_size
from .request_schema import SCHEMA, WRITTEN


def read_stream(path: Path, discarded: Counter[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the whole batches of a stream, in `SCHEMA`; `discarded` as in `to_stored`."""
    for batch in _whole_batches(path):
        yield to_stored(batch, discarded)


def _whole_batches(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        regular_size(path)
        with pa.OSFile(str(path), "r") as file, pa.ipc.open_stream(file) as stream:
            if set(WRITTEN.names) <= set(stream.schema.names):
                yield from stream
    except (pa.ArrowException, OSError, RecordingError):
        return


def to_stored(written: pa.RecordBatch, discarded: Counter[str] | None = None) -> pa.RecordBatch:
    """Turn rows in `WRITTEN` into rows in `SCHEMA`.

    `discarded` is increased by the number of durations, by column, that the application gave and that cannot be.
    """
    discarded = Counter() if discarded is None else discarded
    column = {name: written.column(name) for name in WRITTEN.names}
    derived = {
        "response_us": _response_us(column),
        "ok": pc.is_null(column["error"]),
        **server_timing_header.columns(column["server_timing"], column["latency_us"], discarded),
    }
    arrays = [(derived if name in derived else column)[name].cast(SCHEMA.field(name).type) for name in SCHEMA.names]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _response_us(column: dict[str, pa.Array]) -> pa.Array:
    dispatch_lag_us = pc.subtract(column["start_us"], column["scheduled_us"])
    # Below 0 where an event reports a value that is no duration.
    return pc.add(pc.max_element_wise(dispatch_lag_us, 0), column["latency_us"])

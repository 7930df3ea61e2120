"""The rows of a run while it is going: one Arrow stream for each process of the load generator.

A stream keeps the `Server-Timing` header as it came: parsing it costs more than the rest of a row and can wait until
the run has ended. A stream without an end is read up to its last whole batch.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from .request_schema import COLUMNS, DURATION, NUMBER, SCHEMA, WORD, WRITTEN, RequestColumn

# A metric of the header (a list of `name;parameter=value`): its parameters in any order, values quoted or not.
_METRIC = r'(?:^|,)\s*{name}\s*(?:;\s*\w+\s*=\s*(?:"[^"]*"|[^",;]*)\s*)*?;\s*{value}'
_VALUES = {
    DURATION: r"dur\s*=\s*(?P<value>[0-9]{1,6}(?:\.[0-9]{1,9})?)",
    NUMBER: r'desc\s*=\s*"?(?P<value>[0-9]{1,4})\b',
    WORD: r'desc\s*=\s*"?(?P<value>[a-z]+)\b',
}


def read_stream(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the whole batches of a stream, in `SCHEMA`."""
    return map(to_stored, _whole_batches(path))


def _whole_batches(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with pa.OSFile(str(path), "r") as file, pa.ipc.open_stream(file) as stream:
            yield from stream
    except (pa.ArrowInvalid, OSError):
        return


def to_stored(written: pa.RecordBatch) -> pa.RecordBatch:
    """Turn rows in `WRITTEN` into rows in `SCHEMA`."""
    column = {name: written.column(name) for name in WRITTEN.names}
    derived = {
        "response_us": _response_us(column),
        "ok": pc.is_null(column["error"]),
        **{spec.name: _from_header(column["server_timing"], spec) for spec in COLUMNS if spec.metric},
    }
    derived["queue_us"] = _at_most(derived["queue_us"], column["latency_us"])
    arrays = [(derived if name in derived else column)[name].cast(SCHEMA.field(name).type) for name in SCHEMA.names]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _response_us(column: dict[str, pa.Array]) -> pa.Array:
    dispatch_lag_us = pc.subtract(column["start_us"], column["scheduled_us"])
    return pc.add(dispatch_lag_us, column["latency_us"])


def _at_most(queue_us: pa.Array, latency_us: pa.Array) -> pa.Array:
    """The queue times that fit into their latency, others null: another host has another clock."""
    return pc.if_else(pc.less_equal(queue_us.cast(pa.int64()), latency_us), queue_us, None)


def _from_header(header: pa.Array, spec: RequestColumn) -> pa.Array:
    """The value of one metric in each header, null where it is missing; durations from ms in µs."""
    matches = pc.extract_regex(header, _METRIC.format(name=spec.metric, value=_VALUES[spec.of_metric]))
    value = pc.struct_field(matches, "value")
    if spec.of_metric != DURATION:
        return value
    return pc.round(pc.multiply(value.cast(pa.float64()), 1000.0))

"""The rows of a run: as the generator writes them while it is going, and as they are stored and read.

A generator appends to one Arrow stream for each of its processes, with the application's `Server-Timing` header as it
came; taking that apart costs more than the rest of a row and can wait until the run has ended. A stream that was cut
off is read up to its last whole batch.

Times are microseconds: int64 since the start of the run, int32 for durations. Null means not measured, 0 means
measured and none.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

STREAMS, STORED = "requests-*.arrows", "requests.parquet"
OF_THE_GENERATOR = "load generator: "  # how an error begins in which the target has no part

WRITTEN = pa.schema(
    [
        ("user", pa.int32()),
        ("sequence", pa.int32()),
        ("endpoint", pa.string()),
        ("measured", pa.bool_()),
        ("scheduled_us", pa.int64()),
        ("start_us", pa.int64()),
        ("latency_us", pa.int32()),
        ("status", pa.int16()),
        ("error", pa.string()),
        ("bytes", pa.int32()),
        ("server_timing", pa.string()),
    ]
)
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

# A metric of the header (RFC-like list of `name;param=value`): its parameters in any order, values quoted or not.
_METRIC = r'(?:^|,)\s*{name}\s*(?:;\s*\w+\s*=\s*(?:"[^"]*"|[^",;]*)\s*)*?;\s*{wanted}'
_DURATION = r"dur\s*=\s*(?P<value>[0-9]{1,6}(?:\.[0-9]{1,9})?)"
_NUMBER = r'desc\s*=\s*"?(?P<value>[0-9]{1,4})\b'
_WORD = r'desc\s*=\s*"?(?P<value>[a-z]+)\b'


def request_name(user: int, sequence: int) -> str:
    """The id under which a row's request is known to the application: in its log, and as a scan's idempotency key."""
    return f"{user}-{sequence}"


def read_stream(path: Path) -> Iterator[pa.RecordBatch]:
    """The whole batches of a stream, in `SCHEMA`; the torn end of one that was cut off is left out."""
    return map(stored, _whole_batches(path))


def _whole_batches(path):
    try:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            yield from stream
    except (pa.ArrowInvalid, OSError):
        return


def stored(written: pa.RecordBatch) -> pa.RecordBatch:
    """Rows as they are stored, from rows as they were written."""
    column = {name: written.column(name) for name in WRITTEN.names}
    header = column["server_timing"]
    until_sent = pc.subtract(column["start_us"], column["scheduled_us"])
    made = {
        "phase": pc.if_else(column["measured"], "measure", "warmup"),
        "response_us": pc.add(until_sent, column["latency_us"].cast(pa.int64())).cast(pa.int32()),
        "ok": pc.is_null(column["error"]),
        **{name: _duration_us(header, name.removesuffix("_us")) for name in DURATIONS},
        "queue_us": _of_our_clock(_duration_us(header, "queue"), column["latency_us"]),
        "db_calls": _described(header, "db", _NUMBER),
        "db_round_trips": _described(header, "trips", _NUMBER),
        "cache": _described(header, "cache", _WORD),
        "worker": _described(header, "worker", _NUMBER),
    }
    arrays = [(made.get(name) if name in made else column[name]).cast(SCHEMA.field(name).type) for name in SCHEMA.names]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _of_our_clock(queue_us, latency_us):
    """Nobody waits longer than they wait: a host that looks like this one and is not may have another clock."""
    return pc.if_else(pc.less_equal(queue_us, latency_us.cast(queue_us.type)), queue_us, None)


def _duration_us(header, name):
    milliseconds = _described(header, name, _DURATION).cast(pa.float64())
    return pc.round(pc.multiply(milliseconds, 1000.0))


def _described(header, name, wanted):
    found = pc.extract_regex(header, _METRIC.format(name=name, wanted=wanted))
    return pc.struct_field(found, "value")

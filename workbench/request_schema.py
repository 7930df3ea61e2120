"""A row of a request: every column, in one table from which schema, reading, checks and `docs/DATA.md` are made.

The load generator writes `WRITTEN` while a run is going: what it knows itself, and the application's `Server-Timing`
header as it came. `request_stream` makes the columns of `COLUMNS` of it, which are stored.

Times are integers of microseconds: int64 since the start of the run, int32 for durations. Null means not measured, 0
means measured and none.

To add a column that the application reports: a row here with the name of its `Server-Timing` metric, the metric in
`instrumentation.server_timing`, and `python -m workbench.data_reference` for the documentation.
"""

from dataclasses import dataclass

import pyarrow as pa

from .columns import Column, arrow_schema

STREAMS, STORED = "requests-*.arrows", "requests.parquet"
GENERATOR_ERROR = "load generator: "  # how an error begins in which the target has no part
WARM_UP, MEASURE = "warmup", "measure"  # values of `phase`

# What of a metric of `Server-Timing` a column holds.
DURATION, NUMBER, WORD = "duration", "number", "word"


@dataclass(frozen=True)
class RequestColumn(Column):
    """A column of a request row.

    `metric` is the `Server-Timing` metric that gives its value, and `of_metric` what is taken from it: its duration, a
    number or a word of its description. `is_part` marks the parts of the application's time; they do not overlap.
    """

    metric: str = ""
    of_metric: str = ""
    is_part: bool = False


def _duration(name: str, meaning: str, question: str, *, is_part: bool = False) -> RequestColumn:
    return RequestColumn(
        f"{name}_us", pa.int32(), "µs", meaning, question, metric=name, of_metric=DURATION, is_part=is_part
    )


COLUMNS = (
    RequestColumn("user", pa.int32(), "", "number of the virtual user", "which user sent a request"),
    RequestColumn("sequence", pa.int32(), "", "number of the request among those of its user", "the order of requests"),
    RequestColumn("endpoint", pa.string(), "", "name of the endpoint"),
    RequestColumn("phase", pa.string(), "", f"`{WARM_UP}` or `{MEASURE}`"),
    RequestColumn(
        "scheduled_us", pa.int64(), "µs since the start of the run", "intended send", "the intended send of a request"
    ),
    RequestColumn("start_us", pa.int64(), "µs since the start of the run", "actual send"),
    RequestColumn("latency_us", pa.int32(), "µs", "latency: from the actual send to the end of the response"),
    RequestColumn(
        "response_us",
        pa.int32(),
        "µs",
        "response time: from the intended send to the end of the response",
        "the response time from the intended send",
    ),
    RequestColumn("status", pa.int16(), "", "HTTP status; null without a response", "the status of responses"),
    RequestColumn("ok", pa.bool_(), "", "whether the response was successful, judged by its content"),
    RequestColumn("error", pa.string(), "", "reason of the failure; null for a success", "the reason of a failure"),
    RequestColumn("bytes", pa.int32(), "bytes", "size of the response's body", "the size of responses"),
    _duration("queue", "from the send to the entry into the application", "the time in the queue"),
    _duration(
        "pool",
        "getting a connection and giving it back, pre-ping and rollback included",
        "the time until a connection was available",
        is_part=True,
    ),
    _duration("db", "statements and COMMIT", "the time in the database", is_part=True),
    RequestColumn("db_calls", pa.int16(), "", "SQL statements", "statements a request", metric="db", of_metric=NUMBER),
    RequestColumn(
        "db_round_trips",
        pa.int16(),
        "",
        "waits for an answer of the database: pre-ping, BEGIN, each statement, COMMIT or ROLLBACK",
        "round trips a request",
        metric="trips",
        of_metric=NUMBER,
    ),
    _duration("hash", "hashing a password, the wait for a hash slot included", "the time of hashing", is_part=True),
    _duration("cache", "reading and writing the cache", "the time of the cache", is_part=True),
    RequestColumn(
        "cache",
        pa.string(),
        "",
        "outcome of the cache: `hit`, `stale`, `miss`, or `none` where it was not used",
        "the outcomes of the caches",
        metric="cache",
        of_metric=WORD,
    ),
    _duration("session", "reading and writing the session", "the time of the session", is_part=True),
    _duration("app", "in the application, from entry to response; contains the parts", "the split of the time"),
    RequestColumn(
        "worker",
        pa.int16(),
        "",
        "number of the worker that answered",
        "how the workers shared the requests",
        metric="worker",
        of_metric=NUMBER,
    ),
)
SCHEMA = arrow_schema(COLUMNS)
DURATIONS = tuple(column.name for column in COLUMNS if column.of_metric == DURATION)
PARTS = tuple(column.metric for column in COLUMNS if column.is_part)
REQUIRED = tuple(column.name for column in COLUMNS if not column.question)

WRITTEN = pa.schema(
    [
        *(SCHEMA.field(name) for name in ("user", "sequence", "endpoint")),
        pa.field("measured", pa.bool_()),
        *(SCHEMA.field(name) for name in ("scheduled_us", "start_us", "latency_us", "status", "error", "bytes")),
        pa.field("server_timing", pa.string()),
    ]
)


def request_name(user: int, sequence: int) -> str:
    """The id of a row's request in the application: in its log, and as the idempotency key of a scan."""
    return f"{user}-{sequence}"

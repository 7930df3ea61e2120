"""A row of a request: every column, in one table from which schema, reading, checks and `docs/DATA.md` are made.

The load generator writes `WRITTEN` while a run is going: what it knows itself, and the application's `Server-Timing`
header as it came. `request_stream` makes the columns of `COLUMNS` of it, which are stored.

Times are integers of microseconds, wide enough for a socket that stays open for hours. Null means not measured, 0
means measured and none.

To add a column that the application reports: a row here with the name of its `Server-Timing` metric, and the metric in
`instrumentation.server_timing`. To add one that the load generator writes: a row here, and its value in the same place
of `loadgen.generator.recording.row`. Then `python -m workbench.data_reference` for the documentation.
"""

from dataclasses import dataclass

import pyarrow as pa

from .columns import SINCE_START, Column, arrow_schema

STREAMS, STORED = "requests-*.arrows", "requests.parquet"
GENERATOR_ERROR = "load generator: "  # how an error begins in which the target has no part
# Values of `phase`, in the order of a run. Rates and percentiles are of `measure` alone.
START, WARM_UP, MEASURE, DRAIN, STOP = "start", "warmup", "measure", "drain", "stop"
PHASES = (START, WARM_UP, MEASURE, DRAIN, STOP)

# What of a metric of `Server-Timing` a column holds.
DURATION, NUMBER, WORD = "duration", "number", "word"


@dataclass(frozen=True)
class RequestColumn(Column):
    """A column of a request row.

    `metric` is the `Server-Timing` metric that gives its value, and `of_metric` what is taken from it: its duration, a
    number (up to 9999) or a word (a–z) of its description. `is_part` marks the parts of the application's time; they
    do not overlap. `is_written` marks what the load generator writes itself, `is_later` what older recordings lack:
    it is null there, which is no defect.
    """

    metric: str = ""
    of_metric: str = ""
    is_part: bool = False
    is_written: bool = False
    is_later: bool = False


def _written(
    name: str, kind: pa.DataType, unit: str, meaning: str, question: str = "", words: tuple[str, ...] = ()
) -> RequestColumn:
    """A column that the load generator writes."""
    return RequestColumn(name, kind, unit, meaning, question, words, is_written=True)


def _duration(
    name: str, meaning: str, question: str, *, is_part: bool = False, is_later: bool = False
) -> RequestColumn:
    """A column with the duration of a metric of the same name."""
    return RequestColumn(
        f"{name}_us",
        pa.int32(),
        "µs",
        meaning,
        question,
        metric=name,
        of_metric=DURATION,
        is_part=is_part,
        is_later=is_later,
    )


def _number(name: str, meaning: str, question: str, metric: str, *, is_later: bool = False) -> RequestColumn:
    """A column with the number in the description of a metric."""
    return RequestColumn(name, pa.int16(), "", meaning, question, metric=metric, of_metric=NUMBER, is_later=is_later)


def _word(name: str, meaning: str, question: str, metric: str) -> RequestColumn:
    """A column with the word in the description of a metric."""
    return RequestColumn(name, pa.string(), "", meaning, question, metric=metric, of_metric=WORD)


COLUMNS = (
    _written("user", pa.int32(), "", "number of the virtual user", "which user sent a request"),
    _written("sequence", pa.int32(), "", "number of the request among those of its user", "the order of requests"),
    _written("endpoint", pa.string(), "", "name of the endpoint"),
    _written(
        "phase",
        pa.string(),
        "",
        f"`{START}` (sent by `on_start`), `{WARM_UP}`, `{MEASURE}`, `{DRAIN}` (sent after the end of the load, by a "
        f"task that began before) or `{STOP}` (sent by `on_stop`)",
        words=PHASES,
    ),
    _written("scheduled_us", pa.int64(), SINCE_START, "intended send", "the intended send of a request"),
    _written(
        "user_wait_us",
        pa.int64(),
        "µs",
        "of an arrival of open load, the wait for a free user; null in closed load",
        "the wait of arrivals for a user",
    ),
    _written("start_us", pa.int64(), SINCE_START, "actual send"),
    _written(
        "latency_us",
        pa.int64(),
        "µs",
        "latency: from the actual send to the end of the response; null where a client reports no time",
    ),
    RequestColumn(
        "response_us",
        pa.int64(),
        "µs",
        "response time: from the intended send to the end of the response",
        "the response time from the intended send",
    ),
    _written("status", pa.int16(), "", "HTTP status; null without a response", "the status of responses"),
    RequestColumn("ok", pa.bool_(), "", "whether the response was successful, judged by its content"),
    _written("error", pa.string(), "", "reason of the failure; null for a success", "the reason of a failure"),
    _written("bytes", pa.int32(), "bytes", "size of the response's body", "the size of responses"),
    _duration("queue", "from the send to the entry into the application", "the time in the queue"),
    _duration(
        "pool",
        "getting a connection and giving it back, pre-ping and rollback included",
        "the time until a connection was available",
        is_part=True,
    ),
    _duration("db", "statements and COMMIT", "the time in the database", is_part=True),
    _number("db_calls", "SQL statements", "statements a request", "db"),
    _number(
        "db_round_trips",
        "waits for an answer of the database: pre-ping, BEGIN, each statement, COMMIT or ROLLBACK",
        "round trips a request",
        "trips",
    ),
    _duration("hash", "hashing a password, the wait for a hash slot included", "the time of hashing", is_part=True),
    _duration("cache", "reading and writing the cache", "the time of the cache", is_part=True),
    _word(
        "cache",
        "outcome of the cache: `hit`, `stale`, `miss`, or `none` where it was not used",
        "the outcomes of the caches",
        "cache",
    ),
    _duration("session", "reading and writing the session", "the time of the session", is_part=True),
    _duration(
        "loop",
        "waiting for the event loop, which computed for other requests; null where it was not measured, and is in the "
        "other parts",
        "the wait for the event loop",
        is_part=True,
        is_later=True,
    ),
    _duration("app", "in the application, from entry to response; contains the parts", "the split of the time"),
    _number("worker", "number of the worker that answered", "how the workers shared the requests", "worker"),
    _number(
        "connection",
        "number of the database connection that it used, the first of several; counted in each worker from 1, so that "
        "`worker` and `connection` name one; null where it used none",
        "which connections the requests used",
        "connection",
        is_later=True,
    ),
)
SCHEMA = arrow_schema(COLUMNS)
DURATIONS = tuple(column.name for column in COLUMNS if column.of_metric == DURATION)
PARTS = tuple(column.metric for column in COLUMNS if column.is_part)
LOOP = "loop"  # the part that only some servers have, and older recordings lack
REQUIRED = tuple(column.name for column in COLUMNS if not column.question)
# A client may report a request without a time that can be one: it counts, and has no latency.
LATER = tuple(column.name for column in COLUMNS if column.is_later)
NOT_NULL = tuple(name for name in REQUIRED if name not in ("latency_us", "response_us"))

# As the generator writes a row: the header becomes the columns of its metrics.
WRITTEN = pa.schema(
    [
        *(SCHEMA.field(column.name) for column in COLUMNS if column.is_written),
        pa.field("server_timing", pa.string()),
    ]
)


def request_name(user: int, sequence: int) -> str:
    """The id of a row's request in the application: in its log, and as the idempotency key of a scan."""
    return f"{user}-{sequence}"

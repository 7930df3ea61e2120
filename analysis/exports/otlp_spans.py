"""The requests of a run as spans of OpenTelemetry, in the JSON of OTLP: the client's, and the server's as its child.

With `TRACETRACK_TRACE=1` the load generator sends their ids (`workbench.trace_context`), so that spans of the
application's own stand in the same traces. What the application reported of its time are attributes of the server's
span: the parts have durations and no begin.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from types import SimpleNamespace
from typing import Any, NamedTuple

from workbench.errors import UserError
from workbench.recording import Run
from workbench.request_schema import PARTS
from workbench.text_cleaning import Target, cleaned
from workbench.trace_context import TraceIds, run_key, trace_ids

from .recorded_instants import unix_s
from .row_windows import rows_in_order

BATCH = 500  # requests in one message, which has two spans for each
SERVER, CLIENT = 2, 3  # of SpanKind
ERROR = 2  # of StatusCode
GENERATOR = "tracetrack-load-generator"
SCOPE = "tracetrack-workbench"
PREFIX = "tracetrack."  # of attributes that no semantic convention names
COLUMNS = (
    "user", "sequence", "endpoint", "phase", "status", "error", "worker", "connection", "db_calls", "cache",
    "start_ms", "latency_ms", "queue_ms", "app_ms", *(f"{part}_ms" for part in PARTS),
)  # fmt: skip

Attributes = Mapping[str, str | int | float | None]


class Clock(NamedTuple):
    """The wall clock at the start of a run, in µs since 1970; `is_exact` is False where only the record has a time."""

    unix_us: int
    is_exact: bool

    @classmethod
    def of_run(cls, run: Run) -> "Clock":
        """Raises `UserError` for a record without a time."""
        if exact := run.record.get("started_unix_us"):
            return cls(exact, is_exact=True)
        started_s = unix_s(run, "started")
        if started_s is None or started_s < 0:
            raise UserError(f"{run.name} has no time of its start, which spans need; measure again")
        return cls(round(1e6 * started_s), is_exact=False)

    def nanoseconds(self, ms: float) -> str:
        """An instant of the run as OTLP's JSON has it: ns since 1970, as text."""
        return str(1000 * (self.unix_us + round(1000 * ms)))


def otlp_messages(run: Run, clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield the messages (`ExportTraceServiceRequest`) with the spans of all requests that a known user sent.

    A server's span is there where the application reported its time and the queue before it.
    """
    key = run_key(run.record.get("experiment", run.directory.parent.name), run.record.get("run", run.name))
    values = rows_in_order(run, "start_ms", [f'"{name}"' for name in COLUMNS])
    rows = (SimpleNamespace(**dict(zip(COLUMNS, row, strict=True))) for row in values)
    known = (row for row in rows if row.user is not None and row.sequence is not None)
    while batch := list(islice(known, BATCH)):
        ids = [trace_ids(key, row.user, row.sequence) for row in batch]
        pairs = list(zip(batch, ids, strict=True))
        clients = [_client_span(row, each, clock) for row, each in pairs]
        servers = [span for row, each in pairs if (span := _server_span(row, each, clock))]
        resources = [
            _resource(run, GENERATOR, clients),
            *([_resource(run, run.deployment, servers)] if servers else []),
        ]
        yield {"resourceSpans": resources}


def message_text(message: Mapping[str, Any]) -> str:
    """A message as JSON without spaces."""
    return json.dumps(message, allow_nan=False, separators=(",", ":"))


def requests_without_ids(run: Run) -> int:
    """The number of requests that no known user sent, and that have no spans therefore."""
    count = 'SELECT count(*) FROM requests WHERE "user" IS NULL OR sequence IS NULL'
    return int(run.rows.tuples(count)[0][0])


def _resource(run: Run, service: str, spans: list[dict[str, Any]]) -> dict[str, Any]:
    attributes = {
        "service.name": service,
        f"{PREFIX}experiment": run.record.get("experiment"),
        f"{PREFIX}run": run.name,
        f"{PREFIX}deployment": run.deployment,
        f"{PREFIX}scenario": run.scenario,
    }
    return {
        "resource": {"attributes": _attributes(attributes)},
        "scopeSpans": [{"scope": {"name": SCOPE}, "spans": spans}],
    }


def _client_span(row: SimpleNamespace, ids: TraceIds, clock: Clock) -> dict[str, Any]:
    attributes: Attributes = {
        "http.response.status_code": row.status,
        "error.type": row.error,
        f"{PREFIX}user": row.user,
        f"{PREFIX}sequence": row.sequence,
        f"{PREFIX}phase": row.phase,
        f"{PREFIX}queue_ms": row.queue_ms,
    }
    span = _span(row, ids, CLIENT, clock, (row.start_ms, row.start_ms + (row.latency_ms or 0.0)), attributes)
    return {**span, "spanId": ids.client}


def _server_span(row: SimpleNamespace, ids: TraceIds, clock: Clock) -> dict[str, Any] | None:
    if row.queue_ms is None or row.app_ms is None:
        return None
    entered_ms = row.start_ms + row.queue_ms
    attributes: Attributes = {
        "http.response.status_code": row.status,
        f"{PREFIX}worker": row.worker,
        f"{PREFIX}connection": row.connection,
        f"{PREFIX}statements": row.db_calls,
        f"{PREFIX}cache": row.cache,
        **{f"{PREFIX}{part}_ms": getattr(row, f"{part}_ms") for part in PARTS},
    }
    span = _span(row, ids, SERVER, clock, (entered_ms, entered_ms + row.app_ms), attributes)
    return {**span, "spanId": ids.server, "parentSpanId": ids.client}


def _span(
    row: SimpleNamespace, ids: TraceIds, kind: int, clock: Clock, ends_ms: tuple[float, float], attributes: Attributes
) -> dict[str, Any]:
    failure = row.error if kind == CLIENT else None  # whether a response is right is what the client says
    return {
        "traceId": ids.trace,
        "name": cleaned(row.endpoint, Target.LINE),
        "kind": kind,
        "startTimeUnixNano": clock.nanoseconds(ends_ms[0]),
        "endTimeUnixNano": clock.nanoseconds(ends_ms[1]),
        "attributes": _attributes(attributes),
        **({"status": {"code": ERROR, "message": cleaned(failure, Target.LINE)}} if failure else {}),
    }


def _attributes(values: Attributes) -> list[dict[str, Any]]:
    """OTLP's list of keys and values; what is not known is left out."""
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value is not None]


def _value(value: str | int | float) -> dict[str, Any]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": cleaned(value, Target.LINE)}

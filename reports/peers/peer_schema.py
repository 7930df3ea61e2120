"""JSON Schema of the results of a bench against peers: what `peer_results` reads is of this shape, or no results."""

from typing import Any

TEXT = {"type": "string", "maxLength": 2000}
COUNT = {"type": "integer", "minimum": 0}
POSITIVE = {"type": "number", "exclusiveMinimum": 0}
TIME = {"type": "number", "minimum": 0}
PERCENTILES = {"type": "object", "additionalProperties": TIME}
SETTINGS = (
    "rounds", "measured_s", "connections", "rate_rps", "duration_s", "stall_at_s", "stall_s", "mean_service_ms",
)  # fmt: skip

ENVIRONMENT = {
    "type": "object",
    "properties": {
        "cpu_model": TEXT, "cpu_count": COUNT, "memory_bytes": COUNT, "commit": {"type": ["string", "null"]},
        "changes": {"type": ["string", "null"]}, "python": TEXT,
    },
    "required": ["cpu_model", "cpu_count", "memory_bytes", "commit", "python"],
}  # fmt: skip


def _object(**properties: Any) -> dict[str, Any]:
    """An object with these properties and no other; each has to be there."""
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def _list(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": _object(**properties), "maxItems": 100_000}


RUN = {"round": COUNT, "problem": TEXT}
PEERS = _list(name=TEXT, label=TEXT, version=TEXT, rate_kind=TEXT, missing=TEXT)
SCHEMA = _object(
    format={"const": 1},
    bench=TEXT,
    started={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]{2,9}Z$"},
    status={"enum": ["running", "complete"]},
    environment=ENVIRONMENT,
    settings=_object(**dict.fromkeys(SETTINGS, POSITIVE)),
    server=TEXT,
    generators=PEERS,
    makers=PEERS,
    capacity=_list(generator=TEXT, requests=COUNT, seconds=TIME, cpu_s=TIME, server_cpu_s=TIME, **RUN),
    accuracy=_list(
        generator=TEXT, stall={"type": "boolean"}, sent=COUNT, due=COUNT, reported_ms=PERCENTILES,
        true_ms=PERCENTILES, late_p99_ms={"type": "number"}, **RUN,
    ),
    pages=_list(maker=TEXT, rows=COUNT, seconds=TIME, cpu_s=TIME, peak_mib=TIME, **RUN),
)  # fmt: skip

"""The shape of `run.json` and `experiment.json`: their fields, each with what its value has to be.

A field's rule is a type, a mapping of the fields of an object, a list with the rule of its items, or a function that is
true for a good value. The bounds keep a reader from counting to a number that no run can have.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import imported
from .looks import are_looks
from .paths import is_id
from .record_rules import (
    COUNT,
    SERVER,
    SMALL,
    are_arms,
    are_faults,
    are_kills,
    are_marks,
    are_pieces,
    are_scalars,
    by_name,
    is_clock,
    is_integer,
    is_interval,
    is_null,
    is_number,
    is_pair,
    is_source,
    is_truth,
    one_of,
    or_none,
)
from .seal import is_description
from .server_kinds import SERVER_KINDS
from .verdicts import COMPLETE, RUNNING

Rule = type | Mapping[str, Any] | list | Callable[[Any], bool]
MAX_SHOWN = 40  # characters of a wrong value in a message


STATUS = one_of(COMPLETE, "aborted", RUNNING)
_ENVIRONMENT: Mapping[str, Rule] = {"cpu_model": str, "cpu_count": SERVER, "memory_bytes": COUNT}
REQUIRED: Mapping[str, Mapping[str, Rule]] = {
    "run": {
        "deployment": {"name": is_id, "settings": are_scalars},
        "scenario": {"name": is_id, "kind": str},
        "block": SMALL,
        "status": STATUS,
        "valid": is_truth,
        "reasons": [str],
        "environment": _ENVIRONMENT,
        "dataset": dict,
    },
    "experiment": {
        "experiment": is_id,
        "profile": is_id,
        "scale": str,
        "seed": is_integer,
        "status": STATUS,
        "runs": [{"run": is_id}],
        "environment": _ENVIRONMENT,
    },
}
_SETTINGS: Mapping[str, Rule] = {
    "server": one_of(*SERVER_KINDS), "workers": SERVER, "threads": SMALL, "pool": str,
    "pool_size": SMALL, "pool_max_overflow": SMALL, "hash_limit": SMALL, "round_trip_ms": is_number, "cache": str,
    "cache_statistics_ttl_s": is_number, "cache_search_ttl_s": is_number, "session_threshold": COUNT,
    "session_lifetime_s": is_number, "sessions": str, "password_hash": str, "deadlines": bool,
}  # fmt: skip
_SCENARIO: Mapping[str, Rule] = {
    "description": str, "users": SMALL, "passes": COUNT, "warmup_passes": COUNT, "steps": [str], "warmup_s": is_number,
    "duration_s": is_number, "think_s": is_pair, "shares": by_name(is_number), "arrivals": str, "rates": are_pieces,
    "steady": bool, "terms": str, "searching_users": COUNT, "tracking_users": COUNT,
    "upstream_ms": is_number, "base_rps": is_number, "sessions": COUNT, "client_timeout_s": is_number,
    "user_classes": str, "sql_before": str,
    "unavailable": [str], "overridden": [str], "pieces": are_pieces,
}  # fmt: skip
_ENVIRONMENT_FACTS: Mapping[str, Rule] = {
    "commit": str, "dirty": bool, "changes": str, "machine_id": str, "kernel": str, "python": str, "postgresql": str,
    "postgresql_max_connections": COUNT, "packages": by_name(lambda value: isinstance(value, str)),
}  # fmt: skip
_GENERATOR: Mapping[str, Rule] = {
    "processes": SMALL, "requests": COUNT, "rows": COUNT, "cpu_ms": is_number, "longest_flush_ms": is_number,
    "longest_flush_cpu_ms": is_number, "most_in_flight": COUNT, "users": {"present": COUNT, "left_early": COUNT},
    "started_tasks": by_name(COUNT), "dropped": by_name(COUNT), "task_errors": by_name(COUNT),
    "in_flight_marks": are_marks,
    "locust": {"host": str, "users": SMALL, "spawn_rate": is_number, "run_time_s": is_number},
}  # fmt: skip
_APPLICATION_COUNTS: Mapping[str, Rule] = {
    "requests": COUNT, "responses": COUNT, "error_responses": COUNT, "statements": COUNT, "failed_statements": COUNT,
    "app_us": COUNT, "durations": lambda value: isinstance(value, list) and all(map(is_interval, value)),
}  # fmt: skip
_MEMORY: Mapping[str, Rule] = {
    "limit_mib": COUNT, "enforced": bool, "reason": str, "cgroup_version": SMALL, "swap": str, "peak_bytes": COUNT,
    "peak_pss_bytes": COUNT, "over_limit": bool, "oom_kills": COUNT, "log_reports": COUNT,
    "hash_bytes": COUNT, "log": [str], "kills": are_kills,
}  # fmt: skip
_HOST: Mapping[str, Rule] = {
    "name": str, "address": str, "processes": [SMALL], "status": str, "lost": str, "rows": COUNT,
    "last_send_us": or_none(is_number), "wall_difference_s": is_number,
    "clock": or_none(is_clock), "clock_at_end": or_none(is_clock),
    "clock_error_ms": or_none(is_number),
}  # fmt: skip
_ORIGIN: Mapping[str, Rule] = {
    "tool": str, "format": str, "file": str, "bytes": COUNT, "sha256": str, "rows": COUNT, "malformed": COUNT,
    "first_malformed_line": COUNT, "truncated": bool, "unknown": [str], "notes": [str], "at": str,
}  # fmt: skip
_WRITES = dict.fromkeys(("acknowledged", "stored", "lost", "doubled", "unacknowledged"), COUNT)
_LATER_WRITES = {"wrong_user": COUNT}  # which older recordings lack
# Fields that a record need not have, each with the rule that it follows where it is there and not null.
OPTIONAL: Mapping[str, Mapping[str, Rule]] = {
    "run": {
        "run": is_id, "experiment": is_id, "position": SMALL, "replicate": bool, "stopped_by_hand": bool, "rows": COUNT,
        "seed": is_integer, "trace": bool, "started_unix_us": COUNT,
        "processes": SMALL, "started": str, "ended": str, "served": COUNT, "database_lost": COUNT, "locustfile": str,
        "files": is_description, "environment": _ENVIRONMENT_FACTS, "scenario": _SCENARIO,
        "deployment": {"settings": _SETTINGS, "source": is_source}, "generator": _GENERATOR, "counters": by_name(COUNT),
        "dataset": {"scale": str, "seed": is_integer, "fingerprint": str, "counts": by_name(COUNT)},
        "readings": {"cpu_ms": is_number, "readings": COUNT, "longest_ms": is_number, "database_cpu_ms": is_number},
        "outcome": {"started": bool, "message": str}, "writes": {**_WRITES, **_LATER_WRITES}, "memory": _MEMORY,
        "health": {"pool_profile": {"name": str, "found_by": str, "confirmed": bool}},
        "discarded_timings": by_name(COUNT), "faults": are_faults,
        "connections": dict.fromkeys(("allowed", "after_load", "idle_in_transaction", "after_stop"), COUNT),
        "upstream": {"answer_ms": is_number, "requests": COUNT, "most_at_once": COUNT},
        "pooler": {"version": str, "pools": [are_scalars], "stats": [are_scalars]},
        "hosts": [_HOST],
        "witnesses": {"application": _APPLICATION_COUNTS, "database": {"statements": COUNT}},
        imported.KEY: _ORIGIN,
    },
    "experiment": {
        "environment": _ENVIRONMENT_FACTS, "dataset": {"seed": is_integer, "fingerprint": str}, "p95_ms": is_number,
        "probes": [{"run": is_id}], "repeats": [{"run": is_id}], "prediction_failures": [str], "files": is_description,
        "sentinel": {"deployment": is_id, "scenario": is_id},
        "looks": are_looks, "decided_after": SMALL, imported.KEY: _ORIGIN,
        "left_out": [{"deployment": is_id, "scenario": is_id, "reason": str}],
        "primary_metrics": [{"metric": str, "scenario": is_id, "deployments": [is_id]}],
        "comparison": {
            "arms": are_arms, "deployment": is_id, "scenarios": [is_id], "blocks": SMALL, "locustfile": str,
            "users": str, "tags": [str], "without_tags": [str], "tls": str, "confirmed": [str],
        },
    },
}  # fmt: skip
_SEARCH: Mapping[str, Rule] = {"deployment": is_id, "family": str}
_GATE: Mapping[str, Rule] = {"name": str, "value": lambda value: value is None or is_number(value), "passed": is_truth}
# Objects that have all of these fields where they are there at all, and the loads that can be one of a search.
_WHOLE: Mapping[str, Rule] = {"searches": [_SEARCH], "gates": [_GATE], "writes": _WRITES}
_LOADS: Mapping[str, Mapping[str, Rule]] = {"open": {"pieces": are_pieces}, "sustained": {"users": SMALL}}


# What an imported record need not know, in the place of what others have to.
_UNKNOWN: Mapping[str, Mapping[str, Rule]] = {
    "run": {"environment": dict.fromkeys(_ENVIRONMENT, is_null)},
    "experiment": {"environment": dict.fromkeys(_ENVIRONMENT, is_null), "scale": is_null, "seed": is_null},
}


def mismatches(record: object, kind: str) -> Iterator[str]:
    """Yield what keeps a value from being the record of a `run` or an `experiment`, a phrase each."""
    if not isinstance(record, dict):
        yield "it is no object"
        return
    required = {**REQUIRED[kind], **(_UNKNOWN[kind] if imported.is_imported(record) else {})}
    yield from _lacking(record, required)
    if not list(_lacking(record, required)):
        yield from _unfit(record, OPTIONAL[kind])
        yield from _unfit(record, {name: rule for name, rule in _WHOLE.items() if name in record}, is_whole=True)
        if kind == "run":
            yield from _lacking(record["scenario"], _LOADS.get(record["scenario"]["kind"], {}), "scenario")


def _lacking(record: object, fields: Mapping[str, Rule], place: str = "") -> Iterator[str]:
    """Fields that an object lacks, or has with an unfit value."""
    if not isinstance(record, dict):
        yield f"{place or 'it'} is no object"
        return
    for name, rule in fields.items():
        where = f"{place}.{name}" if place else name
        if name not in record:
            yield f"it lacks {where}"
        else:
            yield from _value(record[name], rule, where, is_whole=True)


def _unfit(record: dict, fields: Mapping[str, Rule], place: str = "", is_whole: bool = False) -> Iterator[str]:
    """Fields that an object has with an unfit value; null is the same as missing."""
    for name, rule in fields.items():
        if record.get(name) is not None:
            yield from _value(record[name], rule, f"{place}.{name}" if place else name, is_whole)


def _value(value: Any, rule: Rule, where: str, is_whole: bool) -> Iterator[str]:
    if isinstance(rule, Mapping):
        if not isinstance(value, dict) or is_whole:
            yield from _lacking(value, rule, where)
        else:
            yield from _unfit(value, rule, where)
    elif isinstance(rule, list):
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for item in value:
            yield from _value(item, rule[0], _singular(where), is_whole=True)
    elif not _follows(value, rule):
        yield f"{where} is {json.dumps(value)[:MAX_SHOWN]}"


def _follows(value: Any, rule: type | Callable[[Any], bool]) -> bool:
    return isinstance(value, rule) if isinstance(rule, type) else rule(value)


def _singular(where: str) -> str:
    """The name of an item of a list."""
    return {"searches": "search"}.get(where, where.removesuffix("s"))

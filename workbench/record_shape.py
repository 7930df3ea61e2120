"""The shape of `run.json` and `experiment.json`: their fields, each with what its value has to be.

A field's rule is a type, a mapping of the fields of an object, a list with the rule of its items, or a function that is
true for a good value. The bounds keep a reader from counting to a number that no run can have.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import imported
from .declared_arms import SOURCES
from .looks import are_looks
from .paths import is_id
from .seal import is_description
from .server_kinds import SERVER_KINDS
from .verdicts import COMPLETE, RUNNING

Rule = type | Mapping[str, Any] | list | Callable[[Any], bool]
MAX_SHOWN = 40  # characters of a wrong value in a message


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _up_to(largest: int) -> Callable[[Any], bool]:
    return lambda value: _is_integer(value) and 0 <= value <= largest


def _number(value: Any) -> bool:
    return (_is_integer(value) or isinstance(value, float)) and math.isfinite(value) and abs(value) <= 2**62


def _or_none(rule: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or rule(value)


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words if isinstance(value, str) else False


def _truth(value: object) -> bool:
    return isinstance(value, bool | None)


def _scalars(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(item, str | bool | None) or _number(item) for item in value.values()
    )


def _by_name(rule: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """An object whose values all follow a rule."""
    return lambda value: isinstance(value, dict) and all(map(rule, value.values()))


def _is_null(value: object) -> bool:
    return value is None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _source(value: object) -> bool:
    """What served as an arm: its kind, and facts that are words, but for these two."""
    if not isinstance(value, dict) or value.get("kind") not in SOURCES:
        return False
    rules = {"dirty": _truth, "packages": _by_name(_is_text)}
    return all(fact is None or rules.get(name, _is_text)(fact) for name, fact in value.items())


def _arms(value: object) -> bool:
    """Arms, each with a name of its own."""
    if not isinstance(value, list) or not all(map(_source, value)):
        return False
    names = [arm.get("name") for arm in value]
    return all(map(is_id, names)) and 0 < len(set(names)) == len(names)


def _pieces(value: object) -> bool:
    """The pieces of an open load: duration (s), first and last rate (requests/s)."""
    return isinstance(value, list) and all(
        isinstance(piece, list) and len(piece) == 3 and all(_number(part) and part >= 0 for part in piece)
        for piece in value
    )


def _marks(value: object) -> bool:
    """The marks of each generator process: instants, each with the integral of requests in flight."""
    return isinstance(value, list) and all(isinstance(span, list) and all(map(_pair, span)) for span in value)


def _interval(value: object) -> bool:
    """The upper bound (µs, null for none) of an interval of durations, and the number of responses in it."""
    return isinstance(value, list) and len(value) == 2 and (value[0] is None or COUNT(value[0])) and COUNT(value[1])


def _kills(value: object) -> bool:
    """Processes that the kernel ended: `process` is a word, the rest are counts that may be missing."""
    return isinstance(value, list) and all(
        isinstance(kill, dict)
        and isinstance(kill.get("process"), str)
        and COUNT(kill.get("at_us"))
        and all(value is None or COUNT(value) for name, value in kill.items() if name != "process")
        for kill in value
    )


def _faults(value: object) -> bool:
    """Faults as `workbench.faults` has them: a name, a reason, and two instants (µs) that may be null."""
    return isinstance(value, list) and all(
        isinstance(fault, dict)
        and isinstance(fault.get("name"), str)
        and isinstance(fault.get("reason", ""), str)
        and all(name in fault and (fault[name] is None or COUNT(fault[name])) for name in ("begin_us", "end_us"))
        for fault in value
    )


def _is_clock(value: object) -> bool:
    """The relation of a host's clock to the run's: offset and uncertainty (ns), and the rounds that were measured."""
    names = ("offset_ns", "uncertainty_ns", "rounds")
    return isinstance(value, dict) and all(_number(value.get(name)) for name in names)


def _pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


COUNT, SMALL, SERVER = _up_to(2**53), _up_to(100_000), _up_to(4096)
STATUS = _one_of(COMPLETE, "aborted", RUNNING)
_ENVIRONMENT: Mapping[str, Rule] = {"cpu_model": str, "cpu_count": SERVER, "memory_bytes": COUNT}
REQUIRED: Mapping[str, Mapping[str, Rule]] = {
    "run": {
        "deployment": {"name": is_id, "settings": _scalars},
        "scenario": {"name": is_id, "kind": str},
        "block": SMALL,
        "status": STATUS,
        "valid": _truth,
        "reasons": [str],
        "environment": _ENVIRONMENT,
        "dataset": dict,
    },
    "experiment": {
        "experiment": is_id,
        "profile": is_id,
        "scale": str,
        "seed": _is_integer,
        "status": STATUS,
        "runs": [{"run": is_id}],
        "environment": _ENVIRONMENT,
    },
}
_SETTINGS: Mapping[str, Rule] = {
    "server": _one_of(*SERVER_KINDS), "workers": SERVER, "threads": SMALL, "pool": str,
    "pool_size": SMALL, "pool_max_overflow": SMALL, "hash_limit": SMALL, "round_trip_ms": _number, "cache": str,
    "cache_statistics_ttl_s": _number, "cache_search_ttl_s": _number, "session_threshold": COUNT,
    "session_lifetime_s": _number, "sessions": str, "password_hash": str, "deadlines": bool,
}  # fmt: skip
_SCENARIO: Mapping[str, Rule] = {
    "description": str, "users": SMALL, "passes": COUNT, "warmup_passes": COUNT, "steps": [str], "warmup_s": _number,
    "duration_s": _number, "think_s": _pair, "shares": _by_name(_number), "arrivals": str, "rates": _pieces,
    "steady": bool, "terms": str, "searching_users": COUNT, "tracking_users": COUNT,
    "upstream_ms": _number, "base_rps": _number, "sessions": COUNT, "client_timeout_s": _number,
    "user_classes": str, "sql_before": str,
    "unavailable": [str], "overridden": [str], "pieces": _pieces,
}  # fmt: skip
_ENVIRONMENT_FACTS: Mapping[str, Rule] = {
    "commit": str, "dirty": bool, "changes": str, "machine_id": str, "kernel": str, "python": str, "postgresql": str,
    "postgresql_max_connections": COUNT, "packages": _by_name(lambda value: isinstance(value, str)),
}  # fmt: skip
_GENERATOR: Mapping[str, Rule] = {
    "processes": SMALL, "requests": COUNT, "rows": COUNT, "cpu_ms": _number, "longest_flush_ms": _number,
    "longest_flush_cpu_ms": _number, "most_in_flight": COUNT, "users": {"present": COUNT, "left_early": COUNT},
    "started_tasks": _by_name(COUNT), "dropped": _by_name(COUNT), "task_errors": _by_name(COUNT),
    "in_flight_marks": _marks,
    "locust": {"host": str, "users": SMALL, "spawn_rate": _number, "run_time_s": _number},
}  # fmt: skip
_APPLICATION_COUNTS: Mapping[str, Rule] = {
    "requests": COUNT, "responses": COUNT, "error_responses": COUNT, "statements": COUNT, "failed_statements": COUNT,
    "app_us": COUNT, "durations": lambda value: isinstance(value, list) and all(map(_interval, value)),
}  # fmt: skip
_MEMORY: Mapping[str, Rule] = {
    "limit_mib": COUNT, "enforced": bool, "reason": str, "cgroup_version": SMALL, "swap": str, "peak_bytes": COUNT,
    "peak_pss_bytes": COUNT, "over_limit": bool, "oom_kills": COUNT, "log_reports": COUNT,
    "hash_bytes": COUNT, "log": [str], "kills": _kills,
}  # fmt: skip
_HOST: Mapping[str, Rule] = {
    "name": str, "address": str, "processes": [SMALL], "status": str, "lost": str, "rows": COUNT,
    "last_send_us": _or_none(_number), "wall_difference_s": _number,
    "clock": _or_none(_is_clock), "clock_at_end": _or_none(_is_clock),
    "clock_error_ms": _or_none(_number),
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
        "seed": _is_integer, "trace": bool, "started_unix_us": COUNT,
        "processes": SMALL, "started": str, "ended": str, "served": COUNT, "database_lost": COUNT, "locustfile": str,
        "files": is_description, "environment": _ENVIRONMENT_FACTS, "scenario": _SCENARIO,
        "deployment": {"settings": _SETTINGS, "source": _source}, "generator": _GENERATOR, "counters": _by_name(COUNT),
        "dataset": {"scale": str, "seed": _is_integer, "fingerprint": str, "counts": _by_name(COUNT)},
        "readings": {"cpu_ms": _number, "readings": COUNT, "longest_ms": _number, "database_cpu_ms": _number},
        "outcome": {"started": bool, "message": str}, "writes": {**_WRITES, **_LATER_WRITES}, "memory": _MEMORY,
        "health": {"pool_profile": {"name": str, "found_by": str, "confirmed": bool}},
        "discarded_timings": _by_name(COUNT), "faults": _faults,
        "connections": dict.fromkeys(("allowed", "after_load", "idle_in_transaction", "after_stop"), COUNT),
        "upstream": {"answer_ms": _number, "requests": COUNT, "most_at_once": COUNT},
        "pooler": {"version": str, "pools": [_scalars], "stats": [_scalars]},
        "hosts": [_HOST],
        "witnesses": {"application": _APPLICATION_COUNTS, "database": {"statements": COUNT}},
        imported.KEY: _ORIGIN,
    },
    "experiment": {
        "environment": _ENVIRONMENT_FACTS, "dataset": {"seed": _is_integer, "fingerprint": str}, "p95_ms": _number,
        "probes": [{"run": is_id}], "repeats": [{"run": is_id}], "prediction_failures": [str], "files": is_description,
        "sentinel": {"deployment": is_id, "scenario": is_id},
        "looks": are_looks, "decided_after": SMALL, imported.KEY: _ORIGIN,
        "left_out": [{"deployment": is_id, "scenario": is_id, "reason": str}],
        "primary_metrics": [{"metric": str, "scenario": is_id, "deployments": [is_id]}],
        "comparison": {
            "arms": _arms, "deployment": is_id, "scenarios": [is_id], "blocks": SMALL, "locustfile": str, "users": str,
            "tags": [str], "without_tags": [str], "tls": str, "confirmed": [str],
        },
    },
}  # fmt: skip
_SEARCH: Mapping[str, Rule] = {"deployment": is_id, "family": str}
_GATE: Mapping[str, Rule] = {"name": str, "value": lambda value: value is None or _number(value), "passed": _truth}
# Objects that have all of these fields where they are there at all, and the loads that can be one of a search.
_WHOLE: Mapping[str, Rule] = {"searches": [_SEARCH], "gates": [_GATE], "writes": _WRITES}
_LOADS: Mapping[str, Mapping[str, Rule]] = {"open": {"pieces": _pieces}, "sustained": {"users": SMALL}}


# What an imported record need not know, in the place of what others have to.
_UNKNOWN: Mapping[str, Mapping[str, Rule]] = {
    "run": {"environment": dict.fromkeys(_ENVIRONMENT, _is_null)},
    "experiment": {"environment": dict.fromkeys(_ENVIRONMENT, _is_null), "scale": _is_null, "seed": _is_null},
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

"""The records of runs and experiments (`run.json`, `experiment.json`), read and checked against their shape."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import RecordingError
from .record_format import upgrade

FILES = {"run": "run.json", "experiment": "experiment.json"}
# The fields that every record has, by their type; of an object, by those of its own fields.
Shape = Mapping[str, Any]
_ENVIRONMENT: Shape = {"cpu_model": str, "cpu_count": int, "memory_bytes": int}
_REQUIRED: Mapping[str, Shape] = {
    "run": {
        "deployment": {"name": str, "settings": dict},
        "scenario": {"name": str, "kind": str},
        "block": int,
        "status": str,
        "valid": (bool, type(None)),
        "reasons": list,
        "environment": _ENVIRONMENT,
        "dataset": dict,
    },
    "experiment": {
        "experiment": str,
        "profile": str,
        "scale": str,
        "seed": int,
        "status": str,
        "runs": list,
        "environment": _ENVIRONMENT,
    },
}
# The fields of a capacity search, of each of its probes, and of the loads that can be one.
_SEARCH: Shape = {"deployment": str, "family": str}
_PROBE: Shape = {"run": str}
_LOADS: Mapping[str, Shape] = {"open": {"pieces": list}, "sustained": {"users": int}}
_GATE: Shape = {"name": str, "value": (int, float, type(None)), "passed": (bool, type(None))}
# The fields that a run gets at its end, and those that not every experiment has; null is the same as missing.
_OPTIONAL = {"gates": list, "generator": dict, "counters": dict, "outcome": dict, "health": dict, "writes": dict}
_OPTIONAL |= {"sentinel": dict}


def read(directory: Path, kind: str) -> dict:
    """Read the record of a `run` or an `experiment`, with the keys of the current format.

    Raises `RecordingError` that says in a line what is wrong with it.
    """
    path = directory / FILES[kind]
    article = "an" if kind == "experiment" else "a"
    try:
        record = upgrade(json.loads(path.read_text()), kind, path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise RecordingError(
            f"{directory} is not {article} {kind}: it has no {path.name}; see python -m analysis history"
        ) from None
    except (ValueError, RecursionError):
        raise RecordingError(f"{path} is not readable JSON; measure again") from None
    if not isinstance(record, dict):
        raise RecordingError(f"{path} is not the record of {article} {kind}: it is no object")
    if mismatches := list(_mismatches(record, _REQUIRED[kind])) or list(_optional_mismatches(record)):
        raise RecordingError(f"{path} is not the record of {article} {kind}: {', '.join(mismatches)}")
    return {name: value for name, value in record.items() if name not in _OPTIONAL or value is not None}


def _optional_mismatches(record: dict) -> Iterator[str]:
    """Mismatches of the fields that a record need not have."""
    if not all(isinstance(reason, str) for reason in record.get("reasons", [])):
        yield "a reason is no text"
    for field, expected in _OPTIONAL.items():
        if not isinstance(record.get(field), expected | None):
            yield f"{field} is no {'list' if expected is list else 'object'}"
    for name, shape in (("searches", _SEARCH), ("probes", _PROBE)):
        yield from _entry_mismatches(record.get(name), shape, name)
    scenario = record.get("scenario")
    if isinstance(scenario, dict) and isinstance(kind := scenario.get("kind"), str):
        yield from _mismatches(scenario, _LOADS.get(kind, {}), "scenario")
    gates = record.get("gates")
    for gate in gates if isinstance(gates, list) else ():
        yield from _mismatches(gate, _GATE, "gate")


def _entry_mismatches(entries: Any, shape: Shape, name: str) -> Iterator[str]:
    if not isinstance(entries, list | None):
        yield f"{name} is no list"
    for entry in entries if isinstance(entries, list) else ():
        yield from _mismatches(entry, shape, name)


def _mismatches(record: Any, shape: Shape, place: str = "") -> Iterator[str]:
    """Fields that a record lacks, or has with another type than in its shape."""
    if not isinstance(record, dict):
        yield f"{place or 'it'} is no object"
        return
    for name, expected in shape.items():
        where = f"{place}.{name}" if place else name
        if name not in record:
            yield f"it lacks {where}"
        elif isinstance(expected, Mapping):
            yield from _mismatches(record[name], expected, where)
        elif not isinstance(record[name], expected) or (expected is int and isinstance(record[name], bool)):
            yield f"{where} is {json.dumps(record[name])[:40]}"

"""The records of runs and experiments (`run.json`, `experiment.json`), read and held against what they should be."""

import json
from collections.abc import Iterator
from pathlib import Path

from .errors import RecordingError
from .record_format import upgrade

FILES = {"run": "run.json", "experiment": "experiment.json"}
# What questions take for granted: fields by their kind, and within those that are objects the fields of theirs.
ENVIRONMENT = {"cpu_model": str, "cpu_count": int, "memory_bytes": int}
NEEDED = {
    "run": {
        "deployment": {"name": str, "settings": dict},
        "scenario": {"name": str, "kind": str},
        "block": int,
        "status": str,
        "valid": (bool, type(None)),
        "reasons": list,
        "environment": ENVIRONMENT,
        "dataset": dict,
    },
    "experiment": {
        "experiment": str,
        "profile": str,
        "scale": str,
        "seed": int,
        "status": str,
        "runs": list,
        "environment": ENVIRONMENT,
    },
}
# What is taken for granted of each search for capacity, each probe of it, and of the loads that can be one.
SEARCH, PROBE = {"deployment": str, "family": str}, {"run": str}
LOADS = {"open": {"pieces": list}, "sustained": {"users": int}}
GATE = {"name": str, "value": (int, float, type(None)), "passed": (bool, type(None))}
# What a run has only at its end; null or not there it is as if it had not come to that.
LATER = {"gates": list, "generator": dict, "counters": dict, "outcome": dict, "health": dict, "writes": dict}


def read(directory: Path, kind: str) -> dict:
    """The record of a `run` or an `experiment`. Raises `RecordingError` that says in a line what is wrong with it."""
    path = directory / FILES[kind]
    article = "an" if kind == "experiment" else "a"
    try:
        record = upgrade(json.loads(path.read_text()), kind, path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        said = f"{directory} is not {article} {kind}: it has no {path.name}; see python -m analysis history"
        raise RecordingError(said) from None
    except (ValueError, RecursionError):
        raise RecordingError(f"{path} is not readable JSON; measure again") from None
    if wrong := list(_wrong(record, NEEDED[kind])) or list(_wrong_later(record)):
        raise RecordingError(f"{path} is not the record of {article} {kind} that it should be: {', '.join(wrong)}")
    return {name: value for name, value in record.items() if name not in LATER or value is not None}


def _wrong_later(record) -> Iterator[str]:
    """What is wrong with the fields that a record need not have."""
    if not all(isinstance(reason, str) for reason in record.get("reasons", [])):
        yield "a reason is no text"
    for field, wanted in LATER.items():
        if not isinstance(record.get(field), wanted | None):
            yield f"{field} is no {'list' if wanted is list else 'object'}"
    for name, wanted in (("searches", SEARCH), ("probes", PROBE)):
        listed = record.get(name)
        if not isinstance(listed, list | None):
            yield f"{name} is no list"
        for entry in listed if isinstance(listed, list) else ():
            yield from _wrong(entry, wanted, name)
    scenario = record.get("scenario")
    if isinstance(scenario, dict) and isinstance(kind := scenario.get("kind"), str):
        yield from _wrong(scenario, LOADS.get(kind, {}), "scenario")
    gates = record.get("gates")
    for gate in gates if isinstance(gates, list) else ():
        yield from _wrong(gate, GATE, "gate")


def _wrong(record, wanted, place="") -> Iterator[str]:
    """What a record lacks of the fields that are wanted, or has of another kind."""
    if not isinstance(record, dict):
        yield f"{place or 'it'} is no object"
        return
    for name, kind in wanted.items():
        where = f"{place}.{name}" if place else name
        if name not in record:
            yield f"it lacks {where}"
        elif isinstance(kind, dict):
            yield from _wrong(record[name], kind, where)
        elif not isinstance(record[name], kind) or (kind is int and isinstance(record[name], bool)):
            yield f"{where} is {json.dumps(record[name])[:40]}"

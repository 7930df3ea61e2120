"""Formats of the records: what each older one called the keys of today, so that old recordings still open."""

from collections.abc import Mapping

from .errors import RecordingError

FORMAT = 4
FIRST_SEALED = 4  # the first format whose records are sealed when their run ends

# Format 2 and older: old key → new key, by the object that holds it.
_RUN_KEYS = {"again": "replicate"}
_EXPERIMENT_KEYS = {"unforeseen": "prediction_failures"}
_OUTCOME_KEYS = {"said": "message"}
_SCENARIO_KEYS = {"people": "user_classes"}
_GATE_KEYS = {"figure": "value"}
_GENERATOR_KEYS = {
    "unsent": "dropped",
    "begun": "started_tasks",
    "raised": "task_errors",
    "marks": "in_flight_marks",
}
_GATE_NAMES = {
    "generator processes that told nothing": "generator processes without a report",
    "requests apart from the application's count": "difference from the application's own count of requests",
    "users missing": "users that did not start, or left early",
    "tasks due but neither begun nor counted as unsent": "tasks due but neither started nor counted as dropped",
    "Little's law, disagreement": "relative difference from Little's law",
}


def upgrade(record: object, kind: str, place: object) -> object:
    """Return the record of a `run` or an `experiment` with the keys of `FORMAT`; `place` names it in messages.

    What is no object, or has values of another kind than it should, is returned as it is: to judge it is not for here.
    Raises `RecordingError` for a format that is newer than this version knows.
    """
    if not isinstance(record, dict):
        return record
    stored = record.get("format", 1)
    if isinstance(stored, int) and stored > FORMAT:
        raise RecordingError(
            f"{place} has record format {stored}, and this version reads formats up to {FORMAT}; open it with the "
            f"version that recorded it{_version_of(record)}, or a later one"
        )
    if stored == FORMAT:
        return record
    return _run_from_2(record) if kind == "run" else _experiment_from_2(record)


def format_note(record: Mapping) -> list[str]:
    """A line that says the format of a record that is not of the current one; nothing for others."""
    stored = record.get("format", 1)
    return [] if stored == FORMAT else [f"recorded in format {stored}, read as format {FORMAT}"]


def is_sealed(record: Mapping) -> bool:
    """True for a record of a format that is always sealed, and for one that says what its files were."""
    stored = record.get("format", 1)
    return "files" in record or (isinstance(stored, int) and stored >= FIRST_SEALED)


def seal_note(record: Mapping) -> list[str]:
    """A line for a recording that is older than seals; nothing for others."""
    return (
        []
        if is_sealed(record)
        else ["unsealed: it is older than seals, so changes made after it was recorded do not show"]
    )


def _version_of(record: Mapping) -> str:
    environment = record.get("environment")
    commit = environment.get("commit") if isinstance(environment, dict) else None
    return f" (commit {commit[:12]})" if isinstance(commit, str) else ""


def _run_from_2(record: dict) -> dict:
    renamed = _with_keys(record, _RUN_KEYS)
    for name, keys in (("outcome", _OUTCOME_KEYS), ("scenario", _SCENARIO_KEYS), ("generator", _GENERATOR_KEYS)):
        if name in renamed:
            renamed[name] = _renamed(renamed[name], keys)
    if isinstance(renamed.get("gates"), list):
        renamed["gates"] = [_gate(gate) for gate in renamed["gates"]]
    return renamed


def _experiment_from_2(record: dict) -> dict:
    lists = {name: record[name] for name in ("runs", "probes") if isinstance(record.get(name), list)}
    renamed = _with_keys(record, _EXPERIMENT_KEYS)
    return {**renamed, **{name: [_renamed(run, _RUN_KEYS) for run in runs] for name, runs in lists.items()}}


def _gate(gate: object) -> object:
    if not isinstance(gate, dict):
        return gate
    renamed = _with_keys(gate, _GATE_KEYS)
    if isinstance(name := renamed.get("name"), str):
        renamed["name"] = _GATE_NAMES.get(name, name)
    return renamed


def _renamed(value: object, keys: Mapping[str, str]) -> object:
    """An object with its keys renamed; anything else as it is."""
    return _with_keys(value, keys) if isinstance(value, dict) else value


def _with_keys(record: dict, keys: Mapping[str, str]) -> dict:
    return {keys.get(key, key): value for key, value in record.items()}

"""The records of runs and experiments (`run.json`, `experiment.json`), read and checked against their shape."""

from pathlib import Path
from typing import Any, NamedTuple

from .errors import RecordingError
from .record_files import read_json
from .record_format import upgrade
from .record_shape import REQUIRED, mismatches
from .verdicts import with_verdicts

FILES = {"run": "run.json", "experiment": "experiment.json"}
MAX_NAMED = 5  # mismatches in a message


class StoredRecord(NamedTuple):
    """A record with the keys of the current format and verdicts made anew, and the SHA-256 of its file."""

    content: dict[str, Any]
    sha256: str


class Fields(dict):
    """An object of a record, read from `place`: a field that it lacks is an error of the recording."""

    def __init__(self, fields: dict[str, Any], place: str):
        super().__init__({name: _with_places(value, f"{place}{name}.") for name, value in fields.items()})
        self._place = place

    def __missing__(self, name: str) -> Any:
        raise RecordingError(f"the recording lacks {self._place}{name}; measure again")


def read(directory: Path, kind: str) -> StoredRecord:
    """Read the record of a `run` or an `experiment`.

    Raises `RecordingError` that says in a line what is wrong with it.
    """
    path = directory / FILES[kind]
    article = "an" if kind == "experiment" else "a"
    try:
        stored = read_json(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise RecordingError(
            f"{directory} is not {article} {kind}: it has no {path.name}; see python -m analysis history"
        ) from None
    record: Any = upgrade(stored.value, kind, path)
    if problems := list(mismatches(record, kind)):
        more = f" and {len(problems) - MAX_NAMED} more" if len(problems) > MAX_NAMED else ""
        raise RecordingError(f"{path} is not the record of {article} {kind}: {', '.join(problems[:MAX_NAMED])}{more}")
    # Null is the same as missing in a field that need not be there.
    record = {name: value for name, value in record.items() if value is not None or name in REQUIRED[kind]}
    return StoredRecord(Fields(with_verdicts(record) if kind == "run" else record, ""), stored.sha256)


def _with_places(value: Any, place: str) -> Any:
    return Fields(value, place) if isinstance(value, dict) else value

"""Files with an object of JSON on each line."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from .result_file import ResultFile
from .staged_rows import Reading, StagedRow

Object = dict[str, Any]


def parsed(line: str | None) -> Object | None:
    """The object of a line; None for a line that is none."""
    try:
        value = json.loads(line or "")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_any(_: Object) -> bool:
    return True


def rows(
    source: ResultFile,
    reading: Reading,
    row: Callable[[Object], StagedRow | None],
    mark: str = "",
    is_wanted: Callable[[Object], bool] = _is_any,
) -> Iterator[StagedRow]:
    """Yield the row of each wanted object; a line without one is malformed.

    With a `mark` only lines that contain it are parsed; others need no more than the form of an object.
    """
    number = 0
    for number, line in source.lines():
        if line == "" or (line and mark not in line and line.startswith("{") and line.endswith("}")):
            continue
        value = parsed(line)
        if value is not None and not is_wanted(value):
            continue
        staged = row(value) if value is not None else None
        if staged is not None:
            yield staged
        else:
            reading.add_malformed(number)
    reading.end_at(number, source)

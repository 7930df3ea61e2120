"""The lines of a TOML file on which its keys stand, for messages: the parser of the standard library keeps none."""

import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

Path = Sequence[str | int]  # keys of tables and places in arrays, from the top


def line_of(text: str, path: Path) -> int:
    """The line, from 1, of the statement that gives `path` its value; of the nearest part of it that is in the file.

    The statement is found by parsing the beginning of the file, so that quotes, dots and arrays of several lines mean
    what they mean to the parser. A part of an inline table is on the line on which that begins.
    """
    lines = text.splitlines(keepends=True)
    while path and not _has(_parsed(lines, len(lines))[1], path):
        path = path[:-1]
    if not path:
        return 1
    last = bisect_left(range(len(lines) + 1), True, key=lambda count: _has(_parsed(lines, count)[1], path))
    first = _parsed(lines, last - 1)[0]
    while first < last - 1 and _is_empty(lines[first]):
        first += 1
    return first + 1


def _parsed(lines: Sequence[str], count: int) -> tuple[int, dict[str, Any]]:
    """The content of the first `count` lines, or of as many before them as are whole statements, and their number."""
    for number in range(count, 0, -1):
        with suppress(tomllib.TOMLDecodeError):
            return number, tomllib.loads("".join(lines[:number]))
    return 0, {}


def _has(content: Any, path: Path) -> bool:
    for key in path:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _is_empty(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")

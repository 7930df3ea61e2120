"""Reading the JSON files of a recording: regular files of bounded size, with values that every reader can handle.

A recording may come from anywhere. A pipe would hang its reader, a link would show another file, and a number without
a bound would end in an error far from its cause.
"""

import hashlib
import json
import math
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

from .errors import RecordingError

MAX_JSON_BYTES = 8 * 2**20  # an experiment of a thousand runs has less than 1 MiB
MAX_DEPTH = 24  # of objects and lists within each other; the records have 6
MAX_INTEGER = 2**63 - 1


class JsonFile(NamedTuple):
    """The value that a JSON file holds, and the SHA-256 of its bytes."""

    value: Any
    sha256: str


def read_json(path: Path) -> JsonFile:
    """Read a JSON file.

    Raises `RecordingError` for a file that is no such, and `OSError` for one that is not there or cannot be opened.
    """
    with open_regular(path) as file:
        content = file.read(MAX_JSON_BYTES + 1)
    if len(content) > MAX_JSON_BYTES:
        raise RecordingError(f"{path} is larger than {MAX_JSON_BYTES // 2**20} MiB, which no record is; measure again")
    try:
        value = json.loads(content.decode())
        _require_plain(value)
    except (ValueError, RecursionError):
        raise RecordingError(f"{path} is not readable JSON; measure again") from None
    return JsonFile(value, hashlib.sha256(content).hexdigest())


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading. Raises `RecordingError` for anything else, and for a link out of its folder."""
    require_inside(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # opening a pipe would wait for a writer
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RecordingError(f"{path} is no regular file; measure again")
    return os.fdopen(descriptor, "rb")


def regular_size(path: Path) -> int:
    """The size of a regular file in bytes, with the errors of `open_regular`."""
    require_inside(path)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise RecordingError(f"{path} is no regular file; measure again")
    return status.st_size


def require_inside(path: Path) -> None:
    """Raise `RecordingError` for a link that leads out of its folder."""
    try:
        is_outside = path.is_symlink() and not path.resolve(strict=True).is_relative_to(path.parent.resolve())
    except (OSError, RuntimeError):  # it leads nowhere, or to itself
        is_outside = True
    if is_outside:
        raise RecordingError(f"{path} is a link out of its folder; copy what it leads to")


def _require_plain(value: Any) -> None:
    """Raise `ValueError` for a number or a text that is no plain one, and for too many levels."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                for key in item:
                    key.encode()  # half a surrogate pair can be neither printed nor written
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                item.encode()
            elif isinstance(item, int):
                if abs(item) > MAX_INTEGER:
                    raise ValueError("an integer is too large")
            elif isinstance(item, float) and not math.isfinite(item):
                raise ValueError("a number is not finite")
        if not below:
            return
        level = below
    raise ValueError("objects and lists are too deep within each other")

"""Files that a worker sends in parts, into the folder of the run."""

import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench import atomic

STREAM = ".arrows"  # read while it grows; any other file gets its name when all of it is there


class ReceivedFile:
    """A file as its parts come: one that does not follow what is there already is left out."""

    def __init__(self, path: Path):
        self.length = 0
        self._path = path
        self._partial = path if path.suffix == STREAM else atomic.partial_path(path)
        self._digest = sha256()
        self._file = self._partial.open("wb")

    def add(self, offset: int, content: bytes) -> None:
        """Append a part that belongs at `offset`. Raises `OSError` as for a full disk."""
        if offset == self.length:
            self._file.write(content)
            self._file.flush()
            self._digest.update(content)
            self.length += len(content)

    def is_whole(self, expected: object) -> bool:
        """Return whether size and digest equal the worker's."""
        return expected == {"bytes": self.length, "sha256": self._digest.hexdigest()}

    def close(self, *, is_whole: bool) -> None:
        """Close the file; a stream stays also if its end is missing, another file only as a whole."""
        self._file.close()
        if self._partial == self._path:
            return
        if is_whole:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)


class ReceivedFiles:
    """The files of one worker, which may have these `names` and no others."""

    def __init__(self, directory: Path, names: Iterable[str]):
        self._directory = directory
        self._names = frozenset(names)
        self._files: dict[str, ReceivedFile] = {}

    def add(self, name: object, offset: object, content: bytes) -> int | None:
        """Add a part and return the length of its file by now; None for a file that the worker may not send."""
        if not isinstance(name, str) or name not in self._names or not isinstance(offset, int):
            return None
        if name not in self._files:
            if os.path.lexists(path := self._directory / name):
                return None
            self._files[name] = ReceivedFile(path)
        self._files[name].add(offset, content)
        return self._files[name].length

    def incomplete(self, expected: Mapping[str, Any]) -> list[str]:
        """The names of files that are not as the worker reports them."""
        missing = [name for name in expected if name not in self._files]
        return missing + [name for name, file in self._files.items() if not file.is_whole(expected.get(name))]

    def close(self, *, is_whole: bool) -> None:
        """Close all files."""
        files, self._files = self._files, {}
        for file in files.values():
            file.close(is_whole=is_whole)

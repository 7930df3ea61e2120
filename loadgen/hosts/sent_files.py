"""Files that a worker sends to the run, in parts and while they grow.

The run answers each part with the length that it has by then. No more than `WINDOW_PARTS` are on the way at once; where
no answer comes, as after a cut of the line, what is not there is sent once more.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.seal import file_digest

from .host_messages import MAX_BYTES

PART_BYTES = MAX_BYTES // 8
WINDOW_PARTS = 16
REPEAT_AFTER_S = 3.0

Send = Callable[..., None]  # of a kind of message, its content and its fields


class SentFile:
    """A file on its way: how much was `sent`, how much is `confirmed` to be there, and since when."""

    def __init__(self, path: Path, name: str):
        self.name = name
        self.sent = self.confirmed = 0
        self._path = path
        self.confirmed_s = self._moved_s = time.monotonic()

    @property
    def size(self) -> int:
        """The size of the file by now; 0 while it is not there."""
        return self._path.stat().st_size if self._path.exists() else 0

    def send(self, send: Send) -> None:
        """Send what was appended, as far as the window allows."""
        now_s = time.monotonic()
        if self.sent > self.confirmed and now_s - self._moved_s > REPEAT_AFTER_S:
            self.sent, self._moved_s = self.confirmed, now_s
        while self.sent < self.size and self.sent - self.confirmed < WINDOW_PARTS * PART_BYTES:
            with self._path.open("rb") as file:
                file.seek(self.sent)
                part = file.read(PART_BYTES)
            if self.sent == self.confirmed:
                self._moved_s = now_s
            send("part", part, name=self.name, offset=self.sent)
            self.sent += len(part)

    def confirm(self, length: int) -> None:
        """Note how much of the file is there."""
        if length > self.confirmed:
            self.confirmed = length
            self.confirmed_s = self._moved_s = time.monotonic()
            self.sent = max(self.sent, length)

    def description(self) -> dict[str, Any]:
        """Size and SHA-256 of the file, which does not grow any more."""
        return {"bytes": self.size, "sha256": file_digest(self._path)}


class SentFiles:
    """The files of a worker by the name that they get in the folder of the run."""

    def __init__(self, send: Send):
        self._send = send
        self._files: dict[str, SentFile] = {}

    @property
    def idle_s(self) -> float:
        """How long (s) nothing more has been confirmed."""
        return time.monotonic() - max((file.confirmed_s for file in self._files.values()), default=-math.inf)

    def add(self, path: Path, name: str) -> None:
        """Send a file from now on; it need not be there yet."""
        self._files.setdefault(name, SentFile(path, name))

    def send(self) -> None:
        """Send what is new."""
        for file in self._files.values():
            file.send(self._send)

    def confirm(self, name: Any, length: Any) -> None:
        """Note how much of a file is there."""
        if name in self._files and isinstance(length, int):
            self._files[name].confirm(length)

    @property
    def is_confirmed(self) -> bool:
        """True if all of the files is there."""
        return all(file.confirmed == file.size for file in self._files.values())

    def descriptions(self) -> dict[str, dict[str, Any]]:
        """What the run has to have in the end, by name; a file that never came to be is left out."""
        return {name: file.description() for name, file in self._files.items() if file.size}

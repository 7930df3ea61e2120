"""A bound on what this process writes to its log: a user that fails without a pause would fill the disk."""

import sys
from typing import IO, Any

MAX_CHARACTERS = 10_000_000


class LimitedText:
    """A text stream that passes on `MAX_CHARACTERS`, says so, and drops the rest; all else is the stream's own."""

    def __init__(self, stream: IO[str]):
        self._stream = stream
        self._left = MAX_CHARACTERS

    def write(self, text: str) -> int:
        """Write what fits within the bound."""
        if self._left > 0:
            self._stream.write(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._stream.write(f"\n[more than {MAX_CHARACTERS:,} characters: the rest was left out]\n")
                self._stream.flush()
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write each of the lines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def limit() -> None:
    """Bound what goes to standard output and error from now on."""
    sys.stdout, sys.stderr = LimitedText(sys.stdout), LimitedText(sys.stderr)

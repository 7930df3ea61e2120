"""The log of the reference server, a line of CSV for each request: its service time, and when it was answered."""

import csv
from pathlib import Path
from typing import NamedTuple, NoReturn

BUFFER_BYTES = 2**20  # the file is written when it is flushed, not while a response is sent


class Entry(NamedTuple):
    """A request, in the order of the log's columns.

    Times are of the monotonic clock, in nanoseconds: when the server had read the request, and when the kernel had
    taken all of the response (None: the connection ended before). A request that waits in a socket during a stall is
    received after it.
    """

    id: str
    path: str
    received_ns: int
    drawn_ms: float
    answered_ns: int | None

    @property
    def late_ms(self) -> float:
        """The time by which the response came later than drawn. Raises `ValueError` if there was none."""
        if self.answered_ns is None:
            raise ValueError(f"the request {self.id} was not answered")
        return (self.answered_ns - self.received_ns) / 1e6 - self.drawn_ms


class Log:
    """Writes the log; lines are in the file when it is flushed or closed. Raises `OSError` if it cannot be written."""

    def __init__(self, path: Path):
        self._file = path.open("w", buffering=BUFFER_BYTES, newline="", encoding="utf-8")
        self._write = csv.writer(self._file, lineterminator="\n").writerow

    def add(self, entry: Entry) -> None:
        """Append a line."""
        self._write(entry)

    def flush(self) -> None:
        """Write the lines so far to the file."""
        self._file.flush()

    def close(self) -> None:
        """Write the last lines."""
        self._file.close()


def read(path: Path) -> list[Entry]:
    """Read a log, in the order in which requests were answered. Raises `ValueError` for an incomplete line."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_entry(*line) if len(line) == 5 else _raise_incomplete(line) for line in csv.reader(file)]


def _entry(name: str, path: str, received: str, drawn: str, answered: str) -> Entry:
    return Entry(name, path, int(received), float(drawn), int(answered) if answered else None)


def _raise_incomplete(line: list[str]) -> NoReturn:
    raise ValueError(f"not a line of the server's log: {line}")

"""What the server drew and when it answered: a line of CSV for each request, without a header."""

import csv
from pathlib import Path
from typing import NamedTuple

BUFFER_BYTES = 2**20  # the file is written when it is flushed, not in the middle of an answer


class Entry(NamedTuple):
    """A request, in the order of the log's columns.

    Times are of the monotonic clock, in nanoseconds: when the server had read it, and when the kernel had taken all of
    the answer (None: the connection ended before). What waits in a socket during a stall is received after it.
    """

    id: str
    path: str
    received_ns: int
    drawn_ms: float
    answered_ns: int | None

    @property
    def late_ms(self) -> float:
        """By how much its answer came later than drawn. Raises `TypeError` if there was none."""
        return (self.answered_ns - self.received_ns) / 1e6 - self.drawn_ms


class Log:
    """Lines appear in the file when it is flushed or closed. Raises `OSError` if it cannot be written."""

    def __init__(self, path: Path):
        self._file = path.open("w", buffering=BUFFER_BYTES, newline="", encoding="utf-8")
        self._write = csv.writer(self._file, lineterminator="\n").writerow

    def add(self, entry: Entry) -> None:
        self._write(entry)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> list[Entry]:
    """In the order in which they were answered. Raises `ValueError` for a line that is not whole."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_entry(*line) if len(line) == 5 else _cut_off(line) for line in csv.reader(file)]


def _entry(name, path, received, drawn, answered):
    return Entry(name, path, int(received), float(drawn), int(answered) if answered else None)


def _cut_off(line):
    raise ValueError(f"not a line of the server's log: {line}")

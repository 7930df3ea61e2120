"""The pools of all workers together, a line a second, for those who watch the run while it goes on.

The Parquet files of the readings can be read only once they are complete. This file is gone by then.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

FILE = "pool-now.jsonl"
FIELDS = ("checked_out", "pending", "limit")


class LiveReadings:
    """Writes, for each second, the most connections in use and callers waiting at any reading in it."""

    def __init__(self, directory: Path):
        self._path = directory / FILE
        self._file = self._path.open("w")
        self._second: int | None = None
        self._most = dict.fromkeys(FIELDS, 0)

    def add(self, at_us: int, workers: Iterable[Mapping[str, int]]) -> None:
        """Add a reading of all workers, and write the second before if it is over."""
        second = at_us // 1_000_000
        if self._second is not None and second != self._second:
            self._file.write(json.dumps({"second": self._second, **self._most}) + "\n")
            self._file.flush()
            self._most = dict.fromkeys(FIELDS, 0)
        self._second = second
        for name, value in _sums(workers).items():
            self._most[name] = max(self._most[name], value)

    def remove(self) -> None:
        """Close and delete the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _sums(workers: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums = dict.fromkeys(FIELDS, 0)
    for values in workers:
        for name in FIELDS:
            sums[name] += values[name]
    return sums

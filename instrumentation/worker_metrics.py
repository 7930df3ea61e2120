"""Counters of the workers of one application, in one file that all of them map into memory.

Each worker writes the slot of its number and nothing else; a worker that replaces another one resets its slot. A slot
is a row of 64-bit integers: first `FIXED_FIELDS`, then the counters that the application declares. Its first integer is
odd while several others are being written, so that a reader never takes half an update. Times are nanoseconds.

The file begins with a line that names the application's counters. It can be opened only with the same ones.
"""

import json
import logging
import mmap
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from flask import Flask

log = logging.getLogger(__name__)

POOL_FIELDS = (
    "size", "limit",
    # now, and the most so far
    "open", "checked_out", "pending", "most_checked_out", "most_pending",
    # since the worker started; an acquire is its wait, create and ping
    "acquires", "wait_ns", "longest_wait_ns", "uses", "use_ns", "longest_use_ns",
    "creates", "create_ns", "create_failures", "pings", "ping_ns", "ping_failures",
    "timeouts", "invalidations", "recycles", "long_holds",
)  # fmt: skip
# Of the responses that are timed: how many, those with a status of 400 or more, statements, those of them that failed,
# and the time in the application; then how many took up to each bound, and how many took longer.
DURATION_BOUNDS_US = tuple(1000 * ms for ms in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000))
DURATION_FIELDS = (*(f"took_{bound}_us" for bound in DURATION_BOUNDS_US), "took_longer")
RESPONSE_FIELDS = ("responses", "error_responses", "statements", "failed_statements", "app_us", *DURATION_FIELDS)
FIXED_FIELDS = ("version", "pid", "started_ns", "ready", "requests", *POOL_FIELDS, *RESPONSE_FIELDS)
VERSION, PID = 0, 1  # places in a slot
_FIRST_DURATION = FIXED_FIELDS.index(DURATION_FIELDS[0])
_RESPONSE_PLACES = range(FIXED_FIELDS.index("responses"), _FIRST_DURATION)
FIELD_BYTES = 8
MAX_HEADER_BYTES = 64 * 1024
READ_ATTEMPTS = 100
SPARE_SLOTS = 8

WorkerValues = dict[str, int]


class MetricsFileError(Exception):
    """The file does not fit the application; the message names the file and what is wrong."""


class Slot:
    """The metrics of one worker.

    `memory` is the row of integers, `places` maps a field to its place in it, and `lock` lets one thread at a time
    change it. A change of several fields makes `memory[VERSION]` odd before and even after; one field needs no version.
    """

    def __init__(self, memory: memoryview, places: Mapping[str, int]):
        self.memory = memory
        self.places = places
        self.lock = threading.RLock()  # a leaked connection may be collected, and come back, within a change

    def reset(self) -> None:
        """Set all fields to 0 and register this process as the slot's worker."""
        values = dict.fromkeys(self.places, 0) | {"pid": os.getpid(), "started_ns": time.monotonic_ns()}
        del values["version"]
        with self.lock:
            self.memory[VERSION] |= 1
            for name, value in values.items():
                self.memory[self.places[name]] = value
            self.memory[VERSION] += 1

    def count(self, name: str, change: int = 1) -> None:
        """Add `change` to the field `name`."""
        with self.lock:
            self.memory[self.places[name]] += change

    def get(self, name: str) -> int:
        """The value of the field `name`."""
        return self.memory[self.places[name]]

    def count_response(self, app_us: int, is_error: bool, statements: int, failed_statements: int) -> None:
        """Count a response that took the application `app_us`, and the statements that it needed."""
        memory = self.memory
        with self.lock:
            memory[VERSION] |= 1
            for place, change in zip(
                _RESPONSE_PLACES, (1, is_error, statements, failed_statements, app_us), strict=True
            ):
                memory[place] += change
            memory[_FIRST_DURATION + bisect_left(DURATION_BOUNDS_US, app_us)] += 1
            memory[VERSION] += 1

    def clear(self) -> None:
        """Mark the slot as one without a worker."""
        with self.lock:
            self.memory[:] = memoryview(bytes(self.memory.nbytes)).cast("q")


class WorkerMetrics:
    """The mapped file: one slot a worker, in the order of the workers' numbers."""

    def __init__(self, file: mmap.mmap, counters: Sequence[str], offset: int = 0):
        """`counters` are the application's, `offset` is where the slots begin in the file."""
        self.fields = (*FIXED_FIELDS, *counters)
        self.places = {name: place for place, name in enumerate(self.fields)}
        if len(self.places) < len(self.fields):
            raise ValueError(f"a counter is declared twice, or has the name of a fixed field: {', '.join(counters)}")
        size = FIELD_BYTES * len(self.fields)
        self._slots = [memoryview(file)[at : at + size].cast("q") for at in range(offset, len(file), size)]

    @classmethod
    def create(cls, path: Path, workers: int, counters: Sequence[str]) -> "WorkerMetrics":
        """Create a file with slots for twice the workers, and a few more.

        New workers may start while the workers that they replace are still ending.
        """
        slot_bytes = FIELD_BYTES * (len(FIXED_FIELDS) + len(counters))
        path.touch(mode=0o600)
        path.write_bytes(_header(counters) + bytes(slot_bytes * 2 * (workers + SPARE_SLOTS)))
        return cls.open(path, counters)

    @classmethod
    def open(cls, path: Path, counters: Sequence[str]) -> "WorkerMetrics":
        """Map an existing file. Raises `MetricsFileError` if it is another kind of file, or has other counters."""
        with open(path, "r+b") as file:
            header = file.readline(MAX_HEADER_BYTES)
            _require_counters(path, header, counters)
            return cls(mmap.mmap(file.fileno(), 0), counters, len(header))

    @classmethod
    def open_declared(cls, path: Path) -> "WorkerMetrics":
        """Map an existing file with the counters that it declares. Raises `MetricsFileError` as `open` does."""
        with open(path, "rb") as file:
            counters = _declared_counters(path, file.readline(MAX_HEADER_BYTES))
        return cls.open(path, counters)

    @classmethod
    def private(cls, counters: Sequence[str] = ()) -> "WorkerMetrics":
        """One slot that no other process sees."""
        return cls(mmap.mmap(-1, FIELD_BYTES * (len(FIXED_FIELDS) + len(counters))), counters)

    @property
    def slots(self) -> int:
        """The number of slots."""
        return len(self._slots)

    def slot(self, worker: int) -> Slot:
        """The slot of a worker, by its number."""
        return Slot(self._slots[worker], self.places)

    def read(self) -> dict[int, WorkerValues]:
        """The values of all fields by worker; slots without a worker are left out."""
        return {worker: dict(zip(self.fields, values, strict=True)) for worker, values in self._values()}

    def _values(self) -> Iterator[tuple[int, list[int]]]:
        for worker, slot in enumerate(self._slots):
            values = _consistent_values(slot)
            if values[PID]:
                yield worker, values


def _header(counters: Sequence[str]) -> bytes:
    """The first line of a file, padded so that the slots after it are aligned."""
    line = json.dumps({"counters": list(counters)}).encode()
    return line.ljust(-(-(len(line) + 1) // FIELD_BYTES) * FIELD_BYTES - 1) + b"\n"


def _declared_counters(path: Path, header: bytes) -> Sequence[str]:
    try:
        return json.loads(header)["counters"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise MetricsFileError(f"{path} is not a file of worker metrics") from None


def _require_counters(path: Path, header: bytes, counters: Sequence[str]) -> None:
    declared = _declared_counters(path, header)
    if declared != list(counters):
        raise MetricsFileError(
            f"{path} was created for the counters {declared}, but this application declares {list(counters)}; "
            "create the file with the application that uses it"
        )


def _consistent_values(slot: memoryview) -> list[int]:
    """The values of one slot between two updates; after a kill during an update, the values as they were left."""
    for _ in range(READ_ATTEMPTS):
        values = slot.tolist()
        if values[VERSION] % 2 == 0 and slot[VERSION] == values[VERSION]:
            break
    return values


def count_requests(app: Flask) -> None:
    """Count every request before anything can refuse it: the count is compared with the load generator's own."""
    app.before_request(lambda: app.extensions["worker_slot"].count("requests"))


def init_app(app: Flask, path: str, worker: int, counters: Sequence[str]) -> None:
    """Take this worker's slot in the file at `path`; without a path (`""`), a private one.

    Raises `MetricsFileError` for a file of another application.
    """
    metrics = WorkerMetrics.open(Path(path), counters) if path else WorkerMetrics.private(counters)
    if not path:
        slot = metrics.slot(0)
    elif worker < metrics.slots:
        slot = metrics.slot(worker)
    else:
        log.warning("no slot left for this worker's metrics", extra={"slots": metrics.slots})
        slot = WorkerMetrics.private(counters).slot(0)
    slot.reset()
    app.extensions["worker_metrics"], app.extensions["worker_slot"] = metrics, slot

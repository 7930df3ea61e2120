"""What the workers of one application count, in one file that all of them map into memory.

Each worker has the slot of its number, which it alone writes and a worker that takes its place begins anew. A slot is
a row of 64-bit integers, the first of which is odd while several of them are being written, so that a reader never
takes half a reading. Times are nanoseconds.
"""

import logging
import mmap
import os
import threading
import time
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
CACHE_OUTCOMES = ("hit", "miss", "stale")
CACHED_ENDPOINTS = ("dashboard", "search")
CACHE_FIELDS = tuple(f"cache_{endpoint}_{outcome}" for endpoint in CACHED_ENDPOINTS for outcome in CACHE_OUTCOMES)
REQUEST_FIELDS = ("requests", *CACHE_FIELDS, "session_evictions", "store_failures")
FIELDS = ("version", "pid", "started_ns", "ready", *POOL_FIELDS, *REQUEST_FIELDS)
PLACES = {name: place for place, name in enumerate(FIELDS)}
SLOT_BYTES = 8 * len(FIELDS)
READ_ATTEMPTS = 100
ROOM_FOR_MORE = 8


class Slot:
    """The readings of one worker: `memory` is the row, `lock` lets one thread at a time change it.

    Whoever changes several figures makes `memory[0]` odd before and even after; one alone is whole by itself.
    """

    def __init__(self, memory: memoryview):
        self.memory = memory
        self.lock = threading.RLock()  # a leaked connection may be collected, and come back, within a change

    def begin(self) -> None:
        """Start from nothing, for this process."""
        fresh = dict.fromkeys(FIELDS, 0) | {"pid": os.getpid(), "started_ns": time.monotonic_ns()}
        with self.lock:
            self.memory[0] |= 1
            for place, name in enumerate(FIELDS[1:], start=1):
                self.memory[place] = fresh[name]
            self.memory[0] += 1

    def count(self, name: str, change: int = 1) -> None:
        """Add to one figure."""
        with self.lock:
            self.memory[PLACES[name]] += change

    def clear(self) -> None:
        """Leave the slot as one that no worker has."""
        with self.lock:
            self.memory[:] = memoryview(bytes(SLOT_BYTES)).cast("q")


class Readings:
    """The mapped file: `slots` rows, in the order of the workers' numbers."""

    def __init__(self, file: mmap.mmap):
        self._slots = [memoryview(file)[at : at + SLOT_BYTES].cast("q") for at in range(0, len(file), SLOT_BYTES)]

    @classmethod
    def create(cls, path: Path, workers: int) -> "Readings":
        """A new file, with room for workers that are added, and for all while those they replace are ending."""
        path.write_bytes(bytes(SLOT_BYTES * 2 * (workers + ROOM_FOR_MORE)))
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "Readings":
        with open(path, "r+b") as file:
            return cls(mmap.mmap(file.fileno(), 0))

    @classmethod
    def private(cls) -> "Readings":
        """One slot that no other process sees."""
        return cls(mmap.mmap(-1, SLOT_BYTES))

    @property
    def slots(self) -> int:
        return len(self._slots)

    def slot(self, worker: int) -> Slot:
        return Slot(self._slots[worker])

    def read(self) -> dict[int, dict[str, int]]:
        """The readings by worker; workers that never started are left out."""
        found = {number: _whole(slot) for number, slot in enumerate(self._slots)}
        return {number: reading for number, reading in found.items() if reading["pid"]}


def _whole(slot):
    """One slot as it was between two writes. A writer that was killed in mid-write left what it left."""
    for _ in range(READ_ATTEMPTS):
        values = slot.tolist()
        if values[0] % 2 == 0 and slot[0] == values[0]:
            break
    return dict(zip(FIELDS, values, strict=True))


def count_requests(app: Flask) -> None:
    """Count every request, before anything refuses it: a load generator's own count is held against this one."""
    app.before_request(lambda: app.extensions["slot"].count("requests"))


def init_app(app: Flask, file: str) -> None:
    """Take this worker's slot in the deployment's file, or where there is none (`""`) in one of its own."""
    readings = Readings.open(Path(file)) if file else Readings.private()
    worker = int(os.environ.get("TRACETRACK_WORKER", 0)) if file else 0
    if worker < readings.slots:
        slot = readings.slot(worker)
    else:
        log.warning("no slot left; what this worker counts is not told")
        slot = Readings.private().slot(0)
    slot.begin()
    app.extensions["readings"], app.extensions["slot"] = readings, slot

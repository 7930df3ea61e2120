"""A cache in the memory of one worker, as a backend of dogpile."""

import threading
import time
from collections.abc import Hashable
from itertools import takewhile
from typing import Any

from dogpile.cache import CacheRegion, make_region, register_backend
from dogpile.cache.api import NO_VALUE, CacheBackend, CacheMutex, CacheReturnType

from . import cached_answer
from .cached_answer import CachedAnswer, ComputeTimeout
from .event_loop import CreateLock, Lock, thread_lock

MAX_ANSWERS = 10_000
BACKEND = "tracetrack.memory"


class BoundedDict(dict[Hashable, Any]):
    """A dictionary that drops entries that are too old, and its oldest when it is full: search terms are endless."""

    def __init__(self, max_entries: int = MAX_ANSWERS, max_age_s: float = float("inf")):
        super().__init__()
        self._max_entries = max_entries
        self._max_age_s = max_age_s
        self._lock = threading.Lock()

    def get(self, key: Hashable, default: Any = None) -> Any:
        at_s, value = super().get(key, (0.0, default))
        return value if time.monotonic() - at_s <= self._max_age_s else default

    def __setitem__(self, key: Hashable, value: Any) -> None:
        now_s = time.monotonic()
        with self._lock:
            self.pop(key, None)
            super().__setitem__(key, (now_s, value))
            self._drop_old(now_s)

    def _drop_old(self, now_s: float) -> None:
        """Drop the entries that are too old, which come first, and the oldest where there are too many."""
        too_old = takewhile(lambda entry: now_s - entry[1][0] > self._max_age_s, self.items())
        for key, _ in list(too_old):
            del self[key]
        if len(self) > self._max_entries:
            del self[next(iter(self))]


class MemoryBackend(CacheBackend):
    """The memory of one worker behind dogpile's interface."""

    def __init__(self, arguments: dict[str, Any]):
        self._max_age_s: int = arguments["max_age_s"]
        self._create_lock: CreateLock = arguments["create_lock"]
        self._answers = BoundedDict(max_age_s=self._max_age_s)

    def get(self, key: str) -> CacheReturnType:
        cached: CachedAnswer | None = self._answers.get(key)
        if cached and cached_answer.is_servable(cached["at_s"], self._max_age_s):
            return cached_answer.to_dogpile(cached)
        return NO_VALUE

    def set(self, key: str, value: Any) -> None:
        self._answers[key] = value.payload

    def get_mutex(self, key: str) -> "WorkerMutex":
        return WorkerMutex(self._create_lock())


class WorkerMutex(CacheMutex):
    """The right to compute one answer, among the callers of this worker.

    A caller that has waited for `MAX_COMPUTE_S` gets `ComputeTimeout`.
    """

    def __init__(self, lock: Lock):
        self._lock = lock

    def acquire(self, wait: bool = True) -> bool:
        acquired = self._lock.acquire(wait, cached_answer.MAX_COMPUTE_S if wait else -1)
        if wait and not acquired:
            raise ComputeTimeout
        return acquired

    def release(self) -> None:
        self._lock.release()

    def locked(self) -> bool:
        return self._lock.locked()


def memory_region(kind: str, max_age_s: int, create_lock: CreateLock = thread_lock) -> CacheRegion:
    """A new region in this worker's memory, whatever its kind; `create_lock` makes a lock for callers of the worker."""
    return make_region().configure(BACKEND, arguments={"max_age_s": max_age_s, "create_lock": create_lock})


register_backend(BACKEND, __name__, MemoryBackend.__name__)

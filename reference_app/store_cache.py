"""A cache in the store that all workers share, as a backend of dogpile."""

import time
from contextlib import ExitStack, suppress
from typing import Any

import redis
from dogpile.cache import CacheRegion, make_region, register_backend
from dogpile.cache.api import NO_VALUE, CacheBackend, CacheMutex, CacheReturnType

from . import cached_answer
from .store import Store, StoreUnavailable

LOCK_POLL_S = 0.01
BACKEND = "tracetrack.store"


class StoreBackend(CacheBackend):
    """The shared store behind dogpile's interface: an answer is a JSON document. Raises `StoreUnavailable`."""

    def __init__(self, arguments: dict[str, Any]):
        self._store: Store = arguments["store"]
        self._max_age_s: int = arguments["max_age_s"]

    def get(self, key: str) -> CacheReturnType:
        document: Any = None
        with self._store.use() as client, suppress(redis.ResponseError):  # the key holds no string
            document = client.get(key)
        cached = cached_answer.from_json(document, self._max_age_s) if document else None
        return cached_answer.to_dogpile(cached) if cached else NO_VALUE

    def set(self, key: str, value: Any) -> None:
        with self._store.use() as client:
            client.set(key, cached_answer.to_json(value.payload), ex=self._max_age_s)

    def get_mutex(self, key: str) -> "StoreMutex":
        return StoreMutex(self._store, f"{key}:lock")


class StoreMutex(CacheMutex):
    """The right to compute one answer, among the callers of this worker and then among the workers.

    A holder that died loses it after `MAX_COMPUTE_S`; a caller that has waited for that long gets `StoreUnavailable`.
    """

    def __init__(self, store: Store, name: str):
        self._worker_lock = store.create_lock()  # so that only one caller of a worker polls the store
        self._store = store
        timeout_s = cached_answer.MAX_COMPUTE_S
        self._store_lock = store.client.lock(name, timeout=timeout_s, sleep=LOCK_POLL_S, thread_local=False)

    def acquire(self, wait: bool = True) -> bool:
        end_s = time.monotonic() + cached_answer.MAX_COMPUTE_S
        with ExitStack() as undo:
            acquired = self._worker_lock.acquire(wait, cached_answer.MAX_COMPUTE_S if wait else -1)
            if acquired:
                undo.callback(self._worker_lock.release)
                left_s = max(0.0, end_s - time.monotonic())
                with self._store.use():
                    acquired = self._store_lock.acquire(blocking=wait, blocking_timeout=left_s)
            if acquired:
                undo.pop_all()
        if wait and not acquired:
            raise StoreUnavailable("another caller takes too long to compute the answer")
        return acquired

    def release(self) -> None:
        """Release both locks; that of the store ends by itself if the store is gone or the lock has expired."""
        try:
            with suppress(StoreUnavailable), self._store.use(), suppress(redis.exceptions.LockError):
                self._store_lock.release()
        finally:
            self._worker_lock.release()

    def locked(self) -> bool:
        return self._worker_lock.locked()


def store_region(store: Store, namespace: str, max_age_s: int) -> CacheRegion:
    """A region in the shared store, which drops answers that are too old to serve."""
    region = make_region(key_mangler=lambda key: f"{namespace}{key}")
    return region.configure(BACKEND, arguments={"store": store, "max_age_s": max_age_s})


register_backend(BACKEND, __name__, StoreBackend.__name__)

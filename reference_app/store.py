"""The store that all workers share, Valkey or Redis: fast, and sometimes unavailable.

No caller waits longer than `store_timeout_ms` for an answer. After a failure the store counts as unavailable: for a
second no caller uses it, then one caller a second tries it while all others do without. The callers decide what a
request does without the store. Becoming unavailable and available is logged once each; a store that answers, but
refuses a command (as a full one does), stays available, and that is logged once a minute.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import redis
from flask import Flask
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from instrumentation.worker_metrics import Slot

from .event_loop import Completing, Lock, LoopLock, thread_lock
from .settings import Settings

RETRY_INTERVAL_S = 1.0
REFUSAL_LOG_INTERVAL_S = 60.0
MAX_CONNECTIONS = 10_000  # one for each greenlet that uses the store: the server bounds them
UNREACHABLE = (redis.ConnectionError, redis.TimeoutError)

log = logging.getLogger(__name__)


class StoreUnavailable(Exception):
    """The store did not do what it was asked to: it is gone, frozen, loading, read-only or full."""


class Store:
    """The client of the store, for use within `use()`. One object serves all threads or greenlets of a worker."""

    def __init__(self, url: str, prefix: str, timeout_s: float | None, slot: Slot):
        self.client = self._connect(url, _client_arguments(timeout_s))
        self.prefix = prefix
        self._slot = slot
        self._lock = threading.Lock()
        self._is_down = False
        self._failed_s = self._next_try_s = 0.0
        self._refusal_logged_s = -REFUSAL_LOG_INTERVAL_S

    def create_lock(self) -> Lock:
        """A lock for the callers of this worker."""
        return thread_lock()

    def _connect(self, url: str, arguments: Mapping[str, Any]) -> redis.Redis:
        # A pooled connection may be dead while the store is well: try once more, over a new one.
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        return redis.Redis.from_url(url, retry=retry, **arguments)

    @contextmanager
    def use(self) -> Iterator[redis.Redis]:
        """The client for a block; raises `StoreUnavailable` in the place of any error of the store."""
        started_s = time.monotonic()
        if self._is_down:
            self._claim_try(started_s)
        try:
            yield self.client
        except UNREACHABLE as error:
            self._failed(error)
            raise StoreUnavailable(_reason(error)) from error
        except redis.RedisError as error:
            self._answered(started_s)
            self._refused(error)
            raise StoreUnavailable(_reason(error)) from error
        self._answered(started_s)

    def is_available(self) -> bool:
        """True if the store answers now; False if it does not, or failed less than a second ago."""
        try:
            with self.use() as client:
                return bool(client.ping())
        except StoreUnavailable:
            return False

    def abandon_after_fork(self) -> None:
        """Prepare the parent's client for its deletion in a forked process.

        A client that is deleted closes itself, and would wait for a lock of its connection pool that a thread of the
        parent held at the fork.
        """
        pool: Any = self.client.connection_pool
        pool._lock = threading.RLock()

    def _claim_try(self, now_s: float) -> None:
        """Let this caller try the store; raises `StoreUnavailable` if another did less than a second ago."""
        with self._lock:
            if self._is_down:
                if now_s < self._next_try_s:
                    raise StoreUnavailable("it failed less than a second ago")
                self._next_try_s = now_s + RETRY_INTERVAL_S

    def _failed(self, error: Exception) -> None:
        self._slot.count("store_failures")
        with self._lock:
            self._failed_s = time.monotonic()
            self._next_try_s = self._failed_s + RETRY_INTERVAL_S
            was_down, self._is_down = self._is_down, True
        if not was_down:
            log.warning("shared store unavailable", extra={"error": type(error).__name__, "reason": _reason(error)})

    def _answered(self, started_s: float) -> None:
        """Count the store as available, unless the use started before the last failure: it says nothing of now."""
        if self._is_down:
            with self._lock:
                is_back = self._is_down and started_s > self._failed_s
                self._is_down = self._is_down and not is_back
            if is_back:
                log.warning("shared store available again")

    def _refused(self, error: Exception) -> None:
        self._slot.count("store_failures")
        with self._lock:
            now_s = time.monotonic()
            is_due = now_s - self._refusal_logged_s >= REFUSAL_LOG_INTERVAL_S
            self._refusal_logged_s = now_s if is_due else self._refusal_logged_s
        if is_due:
            log.warning(
                "shared store refused a command", extra={"error": type(error).__name__, "reason": _reason(error)}
            )


class LoopStore(Store):
    """The store of an event loop: its client waits as the loop does, `blocking` has one for other threads."""

    def __init__(self, url: str, prefix: str, timeout_s: float | None, slot: Slot):
        super().__init__(url, prefix, timeout_s, slot)
        self.blocking = Store(url, prefix, timeout_s, slot)

    def create_lock(self) -> Lock:
        return LoopLock()

    def _connect(self, url: str, arguments: Mapping[str, Any]) -> Any:
        from redis import asyncio as loop_redis  # other servers need not wait for its import
        from redis.asyncio.lock import Lock
        from redis.asyncio.retry import Retry as LoopRetry

        retry = LoopRetry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        return Completing(loop_redis.Redis.from_url(url, retry=retry, **arguments), wrapped=(Lock,))


def _client_arguments(timeout_s: float | None) -> dict[str, Any]:
    """What the clients of both kinds are created with.

    A new connection says nothing of itself and asks for no messages of Redis Enterprise: to find out its own version
    costs the client seven times as much CPU as to connect.
    """
    return {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "max_connections": MAX_CONNECTIONS,
        "protocol": 2,
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0] or type(error).__name__


def init_app(app: Flask, settings: Settings) -> None:
    """Create the client if the settings name a store: the caches, the sessions and the login throttle may use it."""
    url, prefix = settings.redis_url, settings.store_prefix
    timeout_s = settings.store_timeout_ms / 1000 or None
    kind = LoopStore if settings.server == "uvicorn" else Store
    app.extensions["store"] = kind(url, prefix, timeout_s, app.extensions["worker_slot"]) if url else None

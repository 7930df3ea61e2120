"""The store that all workers share, Valkey or Redis: quick, and sometimes gone.

Nobody waits for it longer than `store_timeout_ms` for an answer. Once it did not answer it counts as away: it is left
alone for a second, and then tried by one caller a second while all others do without it. What becomes of a request is
for its caller to say. Going and coming back are told once in the log; a store that answers, but refuses what it is
asked (as a full one does), is not away, and that is told once a minute.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry

from instrumentation.worker_metrics import Slot

from .settings import Settings

AWAY_S = 1.0
REFUSALS_TOLD_S = 60.0
MOST_CONNECTIONS = 10_000  # one for each greenlet that asks: the server is what bounds them
UNREACHABLE = (redis.ConnectionError, redis.TimeoutError)

log = logging.getLogger(__name__)


class StoreAway(Exception):
    """The store did not do what it was asked to: it is gone, frozen, loading, read-only or full."""


class Store:
    """The client, to be used within `asked()`. One object serves all threads or greenlets of a worker."""

    def __init__(self, url: str, prefix: str, timeout_s: float | None, slot: Slot):
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            max_connections=MOST_CONNECTIONS,
            # A pooled connection may be dead without anything being wrong: once more, over a new one.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )
        self.prefix = prefix
        self._slot = slot
        self._lock = threading.Lock()
        self._is_away = False
        self._failed_s = self._next_try_s = 0.0
        self._refusal_told_s = -REFUSALS_TOLD_S

    @contextmanager
    def asked(self) -> Iterator[redis.Redis]:
        """The client for a block; raises `StoreAway` in the place of any error of the store."""
        began_s = time.monotonic()
        if self._is_away:
            self._take_the_try(began_s)
        try:
            yield self.client
        except UNREACHABLE as error:
            self._failed(error)
            raise StoreAway(_reason(error)) from error
        except redis.RedisError as error:
            self._answered(began_s)
            self._refused(error)
            raise StoreAway(_reason(error)) from error
        self._answered(began_s)

    def is_there(self) -> bool:
        """Whether it answers now, or is taken to be away."""
        try:
            with self.asked() as client:
                return bool(client.ping())
        except StoreAway:
            return False

    def leave_to_parent(self) -> None:
        """In a forked process: let it be forgotten. Its client then closes itself, and would wait for a lock of its
        connection pool that a thread of the parent held."""
        self.client.connection_pool._lock = threading.RLock()

    def _take_the_try(self, now_s):
        with self._lock:
            if self._is_away:
                if now_s < self._next_try_s:
                    raise StoreAway("it failed less than a second ago")
                self._next_try_s = now_s + AWAY_S

    def _failed(self, error):
        self._slot.count("store_failures")
        with self._lock:
            self._failed_s = time.monotonic()
            self._next_try_s = self._failed_s + AWAY_S
            is_news, self._is_away = not self._is_away, True
        if is_news:
            log.warning("shared store away", extra={"error": type(error).__name__, "reason": _reason(error)})

    def _answered(self, began_s):
        """What began before it failed says nothing of how it is now."""
        if self._is_away:
            with self._lock:
                is_news = self._is_away and began_s > self._failed_s
                self._is_away = self._is_away and not is_news
            if is_news:
                log.warning("shared store back")

    def _refused(self, error):
        self._slot.count("store_failures")
        with self._lock:
            now_s = time.monotonic()
            is_news = now_s - self._refusal_told_s >= REFUSALS_TOLD_S
            self._refusal_told_s = now_s if is_news else self._refusal_told_s
        if is_news:
            log.warning("shared store refuses", extra={"error": type(error).__name__, "reason": _reason(error)})


def _reason(error):
    return str(error).split("\n")[0] or type(error).__name__


def init_app(app: Flask, settings: Settings) -> None:
    """The store is used where one is named, by what the settings keep in it and by the counts of logins."""
    url, prefix = settings.redis_url, settings.store_prefix
    timeout_s = settings.store_timeout_ms / 1000 or None
    app.extensions["store"] = Store(url, prefix, timeout_s, app.extensions["slot"]) if url else None

"""The store that all workers share, Valkey or Redis: quick, and sometimes gone.

Nobody waits for it longer than `store_timeout_ms` for an answer. Once it has failed it counts as away and is left alone
for a second, so that a frozen store costs one wait a second and not one a request; what then becomes of a request is
for its caller to say. Going and coming back are told once in the log.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry

from .readings import Slot
from .settings import Settings, SettingsError

AWAY_S = 1.0
UNREACHABLE = (redis.ConnectionError, redis.TimeoutError)

log = logging.getLogger(__name__)


class StoreAway(Exception):
    """The store did not do what it was asked to: it is gone, frozen, loading, read-only or full."""


class Store:
    """The client, to be used within `asked()`. One object serves all threads or greenlets of a worker."""

    def __init__(self, url: str, prefix: str, timeout_s: float, slot: Slot):
        try:
            self.client = redis.Redis.from_url(
                url,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                # A pooled connection may be dead without anything being wrong: once more, over a new one.
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            )
        except ValueError as error:
            raise SettingsError(f"redis_url cannot be used: {error}") from None
        self.prefix = prefix
        self._slot = slot
        self._away_until_s = 0.0
        self._is_away = False

    @contextmanager
    def asked(self) -> Iterator[redis.Redis]:
        """The client for a block; raises `StoreAway` in the place of any error of the store."""
        if time.monotonic() < self._away_until_s:
            raise StoreAway("it failed less than a second ago")
        try:
            yield self.client
        except redis.RedisError as error:
            self._failed(error)
            raise StoreAway(_reason(error)) from error
        if self._is_away:
            self._is_away = False
            log.warning("shared store back")

    def is_there(self) -> bool:
        """Whether it answers now, or is taken to be away."""
        try:
            with self.asked() as client:
                return bool(client.ping())
        except StoreAway:
            return False

    def _failed(self, error):
        self._slot.count("store_failures")
        if isinstance(error, UNREACHABLE):
            self._away_until_s = time.monotonic() + AWAY_S
        if not self._is_away:
            self._is_away = True
            log.warning("shared store away", extra={"error": type(error).__name__, "reason": _reason(error)})


def _reason(error):
    return str(error).split("\n")[0] or type(error).__name__


def init_app(app: Flask, settings: Settings) -> None:
    """The store is used where one is named, by what the settings keep in it and by the counts of logins."""
    url, prefix = settings.redis_url, settings.store_prefix
    timeout_s = settings.store_timeout_ms / 1000 or None
    app.extensions["store"] = Store(url, prefix, timeout_s, app.extensions["slot"]) if url else None

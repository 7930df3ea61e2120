"""Caches of the endpoints' answers: one query answers many equal requests.

`process` keeps answers in each worker, `shared` in the store of all workers.

- While one caller computes an answer the others wait for it; one that has waited too long computes its own.
- An answer is fresh for its lifetime, counted from the start of its computation. After that one caller computes a new
  one while the others get the stale one, up to twice the lifetime.
- An answer that lacks something is kept for a second only. A failure is not kept: it goes to the callers of the same
  worker that waited for the answer.
- While the shared store is unavailable each worker keeps answers of its own.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE
from flask import Flask, current_app
from sqlalchemy import make_url

from instrumentation import server_timing

from .cached_answer import Answer, CachedAnswer, ComputeTimeout, is_complete
from .counters import cache_counter
from .event_loop import CreateLock, LoopLock, thread_lock
from .memory_cache import BoundedDict, memory_region
from .settings import Settings
from .store import Store, StoreUnavailable
from .store_cache import store_region

MAX_FAILURES = 100
DEGRADED_S = 1
FORMAT = 1  # part of the keys: a version with another format does not read these answers

Compute = Callable[[], Answer]


@dataclass(frozen=True)
class Lifetime:
    """The seconds for which answers of one endpoint are fresh, and for which they may be served at all."""

    fresh_s: int

    @property
    def max_age_s(self) -> int:
        """Twice the lifetime: a stale answer is served while a new one is computed."""
        return 2 * self.fresh_s


class Cache(Protocol):
    """The cache of one endpoint."""

    def get(self, key: str, compute: Compute) -> tuple[Answer, str]:
        """The answer and its outcome: hit, miss, stale or none."""


class NoCache:
    """Computes every answer."""

    def get(self, key: str, compute: Compute) -> tuple[Answer, str]:
        return compute(), "none"


class RegionCache:
    """The answers of one endpoint in a dogpile region; those that lack something are in a region of their own."""

    def __init__(self, lifetime: Lifetime, create_region: Callable[[str, int], CacheRegion]):
        """`create_region` makes a region from its kind and the seconds for which it may serve an answer."""
        self._lifetime = lifetime
        self._complete = create_region("complete", lifetime.max_age_s)
        self._degraded = create_region("degraded", DEGRADED_S)
        self._failures = BoundedDict(MAX_FAILURES)

    def get(self, key: str, compute: Compute) -> tuple[Answer, str]:
        """The answer and its outcome. A `compute` that raises leaves no answer."""
        started_s = time.monotonic()
        computed: list[CachedAnswer] = []

        def compute_unless_cached() -> CachedAnswer:
            if (cached := self._cached_since(key, started_s)) is not None:
                return cached
            computed.append({"at_s": time.time(), "answer": self._compute(key, compute)})
            self._keep(key, computed[0])
            return computed[0]

        try:
            fresh_s = self._lifetime.fresh_s
            cached = self._complete.get_or_create(key, compute_unless_cached, fresh_s, lambda answer: False)
        except ComputeTimeout:
            cached = compute_unless_cached()
        is_stale = time.time() - cached["at_s"] > self._lifetime.fresh_s
        return cached["answer"], "miss" if computed else "stale" if is_stale else "hit"

    def _keep(self, key: str, cached: CachedAnswer) -> None:
        if is_complete(cached):
            self._complete.set(key, cached)
        else:
            # Its second counts from now: a computation that took longer would be too old for the callers that wait.
            self._degraded.set(key, {**cached, "at_s": time.time()})

    def _cached_since(self, key: str, started_s: float) -> CachedAnswer | None:
        """The answer that another caller computed while this one waited, or the failure that it met (raised)."""
        for region, fresh_s in ((self._complete, self._lifetime.fresh_s), (self._degraded, None)):
            if (cached := region.get(key, fresh_s)) is not NO_VALUE:
                return cached
        failed_s, error = self._failures.get(key, (0.0, None))
        if error and failed_s >= started_s:
            raise error.with_traceback(None)  # or it would grow with each caller that raises it
        return None

    def _compute(self, key: str, compute: Compute) -> Answer:
        try:
            return compute()
        except Exception as error:
            self._failures[key] = time.monotonic(), error
            raise


class SharedCache:
    """The answers of one endpoint in the shared store, and in this worker while the store is unavailable."""

    def __init__(self, lifetime: Lifetime, store: Store, namespace: str):
        def create_region(kind: str, max_age_s: int) -> CacheRegion:
            return store_region(store, f"{namespace}{kind}:", max_age_s)

        self._shared = RegionCache(lifetime, create_region)
        self._local = RegionCache(lifetime, partial(memory_region, create_lock=store.create_lock))

    def get(self, key: str, compute: Compute) -> tuple[Answer, str]:
        """The answer and its outcome."""
        compute_once = cache(compute)  # an answer that was computed before the store failed is used
        try:
            return self._shared.get(key, compute_once)
        except StoreUnavailable:
            return self._local.get(key, compute_once)


def cached(endpoint: str, key: str, compute: Compute) -> Answer:
    """The answer of an endpoint from the deployment's cache, or from `compute`. Booked as `cache`.

    `key` must contain all that the answer depends on, besides the endpoint, the database and the code.
    """
    with server_timing.part("cache"):
        answer, outcome = current_app.extensions["caches"][endpoint].get(key, compute)
    if outcome != "none":
        server_timing.current().cache_outcome = outcome
        current_app.extensions["worker_slot"].count(cache_counter(endpoint, outcome))
    return answer


def init_app(app: Flask, settings: Settings) -> None:
    """Create the cache of each endpoint."""
    fresh_s = {"dashboard": settings.cache_statistics_ttl_s, "search": settings.cache_search_ttl_s}
    app.extensions["caches"] = {
        endpoint: _create_cache(app, settings, endpoint, Lifetime(seconds)) for endpoint, seconds in fresh_s.items()
    }


def _create_cache(app: Flask, settings: Settings, endpoint: str, lifetime: Lifetime) -> Cache:
    if settings.cache == "off":
        return NoCache()
    if settings.cache == "process":
        create_lock: CreateLock = LoopLock if settings.server == "uvicorn" else thread_lock
        return RegionCache(lifetime, partial(memory_region, create_lock=create_lock))
    namespace = f"{settings.store_prefix}cache:{FORMAT}:{database_id(settings)}:{endpoint}:"
    return SharedCache(lifetime, app.extensions["store"], namespace)


def database_id(settings: Settings) -> str:
    """A short id of the database that the answers are about, without any secret."""
    url = make_url(settings.database_url)
    parameters = {"host": url.host, "port": url.port, "dbname": url.database, **url.query}
    names = ("host", "hostaddr", "port", "dbname", "service", "options")
    named = [f"{name}={parameters.get(name)}" for name in names]
    return hashlib.sha256(" ".join(named).encode()).hexdigest()[:12]

"""Answers kept for a while: one query for many equal questions.

`process` keeps them in each worker, `shared` in the store of all workers. While an answer is being made, others who
ask for it wait for that one; once it is past its lifetime one caller makes it anew and the others get the stale one
meanwhile, up to twice the lifetime. An answer that misses something is kept for a second only. While the shared store
is away each worker keeps answers of its own.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import redis
from dogpile.cache import CacheRegion, make_region, register_backend
from dogpile.cache.api import NO_VALUE, CantDeserializeException
from dogpile.cache.backends.redis import RedisBackend
from flask import Flask, current_app
from sqlalchemy import make_url

from . import timing
from .settings import Settings
from .store import Store, StoreAway

MOST_ANSWERS = 10_000
DEGRADED_S = 1
LONGEST_CREATION_S = 10.0  # who makes an answer has the lock for so long, and nobody waits for it any longer
LOCK_POLL_S = 0.01
FORMAT = 1  # of the answers: another one does not read what this one kept

Create = Callable[[], dict]


@dataclass(frozen=True)
class Lifetime:
    """Of the answers of one endpoint: how long they are good, and how long they may be served at all."""

    good_s: int

    @property
    def longest_s(self) -> int:
        return 2 * self.good_s


class Off:
    """No cache: every question is asked."""

    def get(self, key: str, create: Create) -> tuple[dict, str]:
        return create(), "none"


class Answers:
    """The answers of one endpoint in a dogpile region; those that miss something are in a region of their own."""

    def __init__(self, lifetime: Lifetime, region: Callable[[str, int], CacheRegion]):
        self._lifetime = lifetime
        self._whole = region("whole", lifetime.longest_s)
        self._degraded = region("degraded", DEGRADED_S)

    def get(self, key: str, create: Create) -> tuple[dict, str]:
        """The answer and how it came: hit, miss or stale. A `create` that raises leaves nothing."""
        made = []

        def make():
            # Whoever waited for an answer that came out degraded finds it here.
            if (kept := self._degraded.get(key)) is not NO_VALUE:
                return kept
            answer = create()
            made.append({"at_s": time.time(), "answer": answer})
            if not is_whole(made[0]):
                self._degraded.set(key, made[0])
            return made[0]

        kept = self._whole.get_or_create(key, make, self._lifetime.good_s, should_cache_fn=is_whole)
        stale = time.time() - kept["at_s"] > self._lifetime.good_s
        return kept["answer"], "miss" if made else "stale" if stale else "hit"


class SharedAnswers:
    """The answers of one endpoint in the shared store, and in this worker while that is away."""

    def __init__(self, lifetime: Lifetime, store: Store, namespace: str):
        self._store = store
        self._shared = Answers(lifetime, lambda kind, longest_s: shared_region(store, f"{namespace}{kind}:", longest_s))
        self._own = Answers(lifetime, own_region)

    def get(self, key: str, create: Create) -> tuple[dict, str]:
        once = cache(create)  # what was made before the store failed is not made again
        try:
            with self._store.asked():
                return self._shared.get(key, once)
        except StoreAway:
            return self._own.get(key, once)


def is_whole(made: dict) -> bool:
    """Whether an answer lacks nothing that it should have."""
    return "unavailable" not in made["answer"]


class BoundedStore(dict):
    """A dictionary that forgets what is too old to serve, and its oldest entry when full: search terms are endless."""

    def __init__(self, most: int = MOST_ANSWERS, longest_s: float = float("inf")):
        super().__init__()
        self._most = most
        self._longest_s = longest_s
        self._lock = threading.Lock()

    def get(self, key, default=None):
        at_s, value = super().get(key, (0.0, default))
        return value if time.monotonic() - at_s <= self._longest_s else default

    def __setitem__(self, key, value):
        with self._lock:
            self.pop(key, None)
            super().__setitem__(key, (time.monotonic(), value))
            if len(self) > self._most:
                del self[next(iter(self))]


def own_region(kind: str, longest_s: int) -> CacheRegion:
    """A region in this worker's memory."""
    kept = BoundedStore(longest_s=longest_s)
    return make_region().configure("dogpile.cache.memory", arguments={"cache_dict": kept})


def shared_region(store: Store, namespace: str, longest_s: int) -> CacheRegion:
    """A region in the shared store: JSON, forgotten by the store itself when it is too old to serve."""
    region = make_region(key_mangler=lambda key: f"{namespace}{key}", serializer=_to_json, deserializer=_from_json)
    arguments = {"connection_pool": store.client.connection_pool, "redis_expiration_time": longest_s}
    return region.configure("tracetrack.store", arguments=arguments)


def _to_json(made):
    return json.dumps(made, separators=(",", ":")).encode()


def _from_json(stored):
    """What somebody else put there counts as nothing."""
    try:
        made = json.loads(stored)
    except ValueError:
        raise CantDeserializeException from None
    if not (isinstance(made, dict) and isinstance(made.get("answer"), dict) and isinstance(made.get("at_s"), float)):
        raise CantDeserializeException
    return made


class StoreBackend(RedisBackend):
    """dogpile's Redis backend with a lock in which only one caller of a worker asks the store."""

    def get_mutex(self, key):
        lock = self.writer_client.lock(
            f"{key}:lock",
            timeout=LONGEST_CREATION_S,
            sleep=LOCK_POLL_S,
            blocking_timeout=LONGEST_CREATION_S,
            thread_local=False,
        )
        return Mutex(lock)


class Mutex:
    """The right to make one answer, among the callers of this worker and then among the workers.

    A holder that died loses it after `LONGEST_CREATION_S`, and who waited for that long gets `StoreAway`.
    """

    def __init__(self, shared: redis.lock.Lock):
        self._own = threading.Lock()
        self._shared = shared

    def acquire(self, wait: bool = True) -> bool:
        taken = self._own.acquire(wait, LONGEST_CREATION_S if wait else -1)
        if taken:
            try:
                taken = self._shared.acquire(blocking=wait)
            except BaseException:
                self._own.release()
                raise
            if not taken:
                self._own.release()
        if wait and not taken:
            raise StoreAway("somebody else takes too long to make the answer")
        return taken

    def release(self) -> None:
        try:
            with suppress(redis.exceptions.LockError):  # it took longer than the lock lasts
                self._shared.release()
        finally:
            self._own.release()


register_backend("tracetrack.store", __name__, StoreBackend.__name__)


def cached(endpoint: str, key: str, create: Create) -> dict:
    """The answer of an endpoint from the deployment's cache, or from `create`.

    `key` must hold all that the answer depends on beside the endpoint, the database and the code. Booked as `cache`.
    """
    with timing.part("cache"):
        answer, outcome = current_app.extensions["caches"][endpoint].get(key, create)
    if outcome != "none":
        timing.current().cache = outcome
        current_app.extensions["slot"].count(f"cache_{endpoint}_{outcome}")
    return answer


def init_app(app: Flask, settings: Settings) -> None:
    good_s = {"dashboard": settings.cache_statistics_ttl_s, "search": settings.cache_search_ttl_s}
    app.extensions["caches"] = {name: _cache(app, settings, name, Lifetime(ttl_s)) for name, ttl_s in good_s.items()}


def _cache(app, settings, endpoint, lifetime):
    if settings.cache == "off":
        return Off()
    if settings.cache == "process":
        return Answers(lifetime, own_region)
    namespace = f"{settings.store_prefix}cache:{FORMAT}:{_database(settings)}:{endpoint}:"
    return SharedAnswers(lifetime, app.extensions["store"], namespace)


def _database(settings):
    """A short name of the database that the answers are about, which is no secret."""
    url = make_url(settings.database_url)
    return hashlib.sha256(f"{url.host}:{url.port}/{url.database}".encode()).hexdigest()[:12]

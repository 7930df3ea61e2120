"""Answers kept for a while: one query for many equal questions.

`process` keeps them in each worker, `shared` in the store of all workers. While an answer is being made, others who
ask for it wait for that one, and make one of their own where it takes too long; once it is past its lifetime, which
counts from when it was begun, one caller makes it anew and the others get the stale one meanwhile, up to twice the
lifetime. An answer that misses something is kept for a second only, and a failure not at all: it is the answer to those
of a worker who waited for it. While the shared store is away each worker keeps answers of its own.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache

import redis
from dogpile.cache import CacheRegion, make_region, register_backend
from dogpile.cache.api import NO_VALUE, CacheBackend, CachedValue
from dogpile.cache.region import value_version
from flask import Flask, current_app
from sqlalchemy import make_url

from instrumentation import server_timing

from .settings import Settings
from .store import Store, StoreAway

MOST_ANSWERS = 10_000
MOST_FAILURES = 100
DEGRADED_S = 1
LONGEST_CREATION_S = 3.0  # who makes an answer holds others up for so long, and nobody waits for it any longer
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
        self._failures = BoundedStore(MOST_FAILURES)

    def get(self, key: str, create: Create) -> tuple[dict, str]:
        """The answer and how it came: hit, miss or stale. A `create` that raises leaves nothing."""
        asked_s = time.monotonic()
        made = []

        def make():
            if (found := self._found_meanwhile(key, asked_s)) is not NO_VALUE:
                return found
            made.append({"at_s": time.time(), "answer": self._created(key, create)})
            self._keep(key, made[0])
            return made[0]

        try:
            kept = self._whole.get_or_create(key, make, self._lifetime.good_s, lambda answer: False)
        except TakesTooLong:
            kept = make()
        stale = time.time() - kept["at_s"] > self._lifetime.good_s
        return kept["answer"], "miss" if made else "stale" if stale else "hit"

    def _keep(self, key, made):
        if is_whole(made):
            self._whole.set(key, made)
        else:
            # From now on: begun over a second ago, it would be too old for those who wait for it.
            self._degraded.set(key, {**made, "at_s": time.time()})

    def _found_meanwhile(self, key, asked_s):
        """What another caller made while this one waited for its turn, be it a failure."""
        for region, good_s in ((self._whole, self._lifetime.good_s), (self._degraded, None)):
            if (kept := region.get(key, good_s)) is not NO_VALUE:
                return kept
        failed_s, error = self._failures.get(key, (0.0, None))
        if error and failed_s >= asked_s:
            raise error.with_traceback(None)  # or it would grow with each that raises it
        return NO_VALUE

    def _created(self, key, create):
        try:
            return create()
        except Exception as error:
            self._failures[key] = time.monotonic(), error
            raise


class SharedAnswers:
    """The answers of one endpoint in the shared store, and in this worker while that is away."""

    def __init__(self, lifetime: Lifetime, store: Store, namespace: str):
        self._shared = Answers(lifetime, lambda kind, longest_s: shared_region(store, f"{namespace}{kind}:", longest_s))
        self._own = Answers(lifetime, own_region)

    def get(self, key: str, create: Create) -> tuple[dict, str]:
        once = cache(create)  # what was made before the store failed is not made again
        try:
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
    return make_region().configure("tracetrack.memory", arguments={"longest_s": longest_s})


def shared_region(store: Store, namespace: str, longest_s: int) -> CacheRegion:
    """A region in the shared store, which forgets by itself what is too old to serve."""
    region = make_region(key_mangler=lambda key: f"{namespace}{key}")
    return region.configure("tracetrack.store", arguments={"store": store, "longest_s": longest_s})


class MemoryBackend(CacheBackend):
    """This worker's memory as dogpile asks it."""

    def __init__(self, arguments: dict):
        self._longest_s: int = arguments["longest_s"]
        self._kept = BoundedStore(longest_s=self._longest_s)

    def get(self, key: str) -> CachedValue:
        made = self._kept.get(key)
        return _cached_value(made) if made and _is_of_its_time(made["at_s"], self._longest_s) else NO_VALUE

    def set(self, key: str, value: CachedValue) -> None:
        self._kept[key] = value.payload

    def get_mutex(self, key: str) -> "OwnMutex":
        return OwnMutex()


class StoreBackend(CacheBackend):
    """The shared store as dogpile asks it: an answer is a JSON document. Raises `StoreAway`."""

    def __init__(self, arguments: dict):
        self._store: Store = arguments["store"]
        self._longest_s: int = arguments["longest_s"]

    def get(self, key: str) -> CachedValue:
        stored = None
        with self._store.asked() as client, suppress(redis.ResponseError):  # under this key is something else
            stored = client.get(key)
        made = stored and _from_json(stored, self._longest_s)
        return _cached_value(made) if made else NO_VALUE

    def set(self, key: str, value: CachedValue) -> None:
        with self._store.asked() as client:
            client.set(key, json.dumps(value.payload, separators=(",", ":")), ex=self._longest_s)

    def get_mutex(self, key: str) -> "Mutex":
        return Mutex(self._store, f"{key}:lock")


def _cached_value(made):
    """As dogpile takes it: its lifetime counts from when it was begun."""
    return CachedValue(made, {"ct": made["at_s"], "v": value_version})


def _is_of_its_time(at_s, longest_s):
    return abs(time.time() - at_s) <= longest_s


def _from_json(stored, longest_s):
    """What was made; None for what somebody else put there, or what the store should have forgotten."""
    try:
        made = json.loads(stored)
    except (ValueError, RecursionError):
        return None
    match made:
        case {"at_s": float(at_s), "answer": dict()} if _is_of_its_time(at_s, longest_s):
            return made
    return None


class TakesTooLong(Exception):
    """Somebody else of this worker makes the answer, and has not come to an end."""


class OwnMutex:
    """The right to make one answer, among the callers of this worker.

    Who waited for it for `LONGEST_CREATION_S` gets `TakesTooLong`.
    """

    def __init__(self):
        self._lock = threading.Lock()

    def acquire(self, wait: bool = True) -> bool:
        taken = self._lock.acquire(wait, LONGEST_CREATION_S if wait else -1)
        if wait and not taken:
            raise TakesTooLong
        return taken

    def release(self) -> None:
        self._lock.release()


class Mutex:
    """The right to make one answer, among the callers of this worker and then among the workers.

    A holder that died loses it after `LONGEST_CREATION_S`, and who waited for that long gets `StoreAway`.
    """

    def __init__(self, store: Store, name: str):
        self._own = threading.Lock()  # so that one caller of a worker asks the store
        self._store = store
        self._shared = store.client.lock(name, timeout=LONGEST_CREATION_S, sleep=LOCK_POLL_S, thread_local=False)

    def acquire(self, wait: bool = True) -> bool:
        end_s = time.monotonic() + LONGEST_CREATION_S
        with ExitStack() as undo:
            taken = self._own.acquire(wait, LONGEST_CREATION_S if wait else -1)
            if taken:
                undo.callback(self._own.release)
                left_s = max(0.0, end_s - time.monotonic())
                with self._store.asked():
                    taken = self._shared.acquire(blocking=wait, blocking_timeout=left_s)
            if taken:
                undo.pop_all()
        if wait and not taken:
            raise StoreAway("somebody else takes too long to make the answer")
        return taken

    def release(self) -> None:
        """Also where the store has gone, or it took longer than the lock lasts: then that ends it."""
        try:
            with suppress(StoreAway), self._store.asked(), suppress(redis.exceptions.LockError):
                self._shared.release()
        finally:
            self._own.release()


register_backend("tracetrack.memory", __name__, MemoryBackend.__name__)
register_backend("tracetrack.store", __name__, StoreBackend.__name__)


def cached(endpoint: str, key: str, create: Create) -> dict:
    """The answer of an endpoint from the deployment's cache, or from `create`.

    `key` must hold all that the answer depends on beside the endpoint, the database and the code. Booked as `cache`.
    """
    with server_timing.part("cache"):
        answer, outcome = current_app.extensions["caches"][endpoint].get(key, create)
    if outcome != "none":
        server_timing.current().cache = outcome
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
    place = {"host": url.host, "port": url.port, "dbname": url.database, **url.query}
    named = [f"{name}={place.get(name)}" for name in ("host", "hostaddr", "port", "dbname", "service", "options")]
    return hashlib.sha256(" ".join(named).encode()).hexdigest()[:12]

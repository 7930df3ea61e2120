"""Answers kept for a while: one query for many equal questions.

`process` keeps them in each worker. While an answer is being made, others who ask for it wait for that one;
once it has expired, one caller refreshes it and the others get the stale one meanwhile.
"""

import threading
import time
from collections.abc import Callable

from dogpile.cache import make_region
from flask import Flask, current_app

from . import timing
from .settings import Settings

MOST_ANSWERS = 10_000


class BoundedStore(dict):
    """A dictionary that forgets its oldest entry when full: search terms are endless, memory is not."""

    def __init__(self, most: int = MOST_ANSWERS):
        super().__init__()
        self._most = most
        self._lock = threading.Lock()

    def __setitem__(self, key, value):
        with self._lock:
            self.pop(key, None)
            super().__setitem__(key, value)
            if len(self) > self._most:
                del self[next(iter(self))]


class Off:
    """No cache: every question is asked."""

    def get(self, key: str, ttl_s: float, create: Callable[[], dict]) -> dict:
        return create()


class ProcessCache:
    """A cache in this worker, with one creation at a time for each key."""

    def __init__(self):
        self._region = make_region().configure("dogpile.cache.memory", arguments={"cache_dict": BoundedStore()})

    def get(self, key: str, ttl_s: float, create: Callable[[], dict]) -> dict:
        """The answer for `key`, at most `ttl_s` seconds old or being refreshed by another caller.

        A `create` that raises leaves nothing in the cache, nor does an answer that misses something.
        """
        created = []

        def create_and_mark():
            answer = create()
            created.append(time.monotonic())
            return {"at_s": created[0], "answer": answer}

        with timing.part("cache"):
            kept = self._region.get_or_create(key, create_and_mark, expiration_time=ttl_s, should_cache_fn=_is_whole)
        stale = time.monotonic() - kept["at_s"] > ttl_s
        timing.current().cache = "miss" if created else "stale" if stale else "hit"
        return kept["answer"]


def _is_whole(made):
    return "unavailable" not in made["answer"]


def cached(key: str, ttl_s: float, create: Callable[[], dict]) -> dict:
    """The answer from the deployment's cache, or from `create`. `key` must hold all that it depends on."""
    return current_app.extensions["cache"].get(key, ttl_s, create)


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["cache"] = ProcessCache() if settings.cache == "process" else Off()

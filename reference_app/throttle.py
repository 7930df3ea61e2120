"""How often a login may be tried: by account, and by the address that tries.

Every attempt counts, a successful one too, before its password is looked at: so many attempts at once are no way
around. Counts are in the shared store where there is one, else in the worker, and there too while the store is away.
"""

import hashlib
import math
import time

from flask import Flask
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from .settings import Settings
from .store import Store, StoreAway

# A person who mistypes has enough of ten, an office behind one address of sixty.
BY_ACCOUNT = RateLimitItemPerMinute(10, namespace="account")
BY_ADDRESS = RateLimitItemPerMinute(60, namespace="address")


class Unlimited:
    """The switch is off, as under load from one address."""

    def wait_s(self, account: str, address: str) -> int:
        return 0


class Throttle:
    """Counts of attempts over the last minute."""

    def __init__(self, store: Store | None):
        self._store = store
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = store and MovingWindowRateLimiter(_storage(store))

    def wait_s(self, account: str, address: str) -> int:
        """Count this attempt; 0 if it may go on, else the seconds until one may."""
        if self._store:
            try:
                with self._store.asked():
                    return _count(self._shared, account, address)
            except StoreAway:
                pass
        return _count(self._own, account, address)


def _storage(store):
    """By the store's own connections; the URI only tells what kind of store it is."""
    pool = store.client.connection_pool
    return RedisStorage("redis://", connection_pool=pool, key_prefix=f"{store.prefix}login")


def _count(limiter, account, address):
    # The digest, because a name may be as long as the form.
    name = hashlib.sha256(account.encode(errors="replace")).hexdigest()
    for limit, who in ((BY_ADDRESS, address), (BY_ACCOUNT, name)):
        if not limiter.hit(limit, who):
            return max(1, math.ceil(limiter.get_window_stats(limit, who).reset_time - time.time()))
    return 0


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["throttle"] = Throttle(app.extensions["store"]) if settings.login_throttle else Unlimited()

"""The login throttle: how often a login may be tried, by account and by address.

Every attempt counts, a successful one too, before its password is checked, so that many attempts at once are no way
around. The counts are in the shared store where there is one, else, and while it is unavailable, in the worker.
"""

import hashlib
import math
import time

from flask import Flask
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from .settings import Settings
from .store import Store, StoreUnavailable

# Ten are enough for a user who mistypes, sixty for an office behind one address.
BY_ACCOUNT = RateLimitItemPerMinute(10, namespace="account")
BY_ADDRESS = RateLimitItemPerMinute(60, namespace="address")


class NoThrottle:
    """Lets every attempt pass, as is needed for a load from one address."""

    def wait_s(self, account: str, address: str) -> int:
        return 0


class Throttle:
    """Counts of attempts over the last minute."""

    def __init__(self, store: Store | None):
        self._store = store
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._shared = MovingWindowRateLimiter(_storage(store)) if store else None

    def wait_s(self, account: str, address: str) -> int:
        """Count this attempt; 0 if it may go on, else the seconds until the next one may."""
        if self._store and self._shared:
            try:
                with self._store.use():
                    return _count(self._shared, account, address)
            except StoreUnavailable:
                pass
        return _count(self._local, account, address)


def _storage(store: Store) -> RedisStorage:
    """A storage over the store's own connections; the URI only selects the kind of storage."""
    pool = store.client.connection_pool
    return RedisStorage("redis://", connection_pool=pool, key_prefix=f"{store.prefix}login")


def _count(limiter: MovingWindowRateLimiter, account: str, address: str) -> int:
    # The digest, because a name may be as long as the form.
    account_id = hashlib.sha256(account.encode(errors="replace")).hexdigest()
    for limit, identity in ((BY_ADDRESS, address), (BY_ACCOUNT, account_id)):
        if not limiter.hit(limit, identity):
            return max(1, math.ceil(limiter.get_window_stats(limit, identity).reset_time - time.time()))
    return 0


def init_app(app: Flask, settings: Settings) -> None:
    """Create the throttle."""
    app.extensions["throttle"] = Throttle(app.extensions["store"]) if settings.login_throttle else NoThrottle()

"""The login throttle: how many failed logins an address may have, for one account and for all.

- An account has a count for each address, so that failures elsewhere never lock its owner out.
- An address has a count over all accounts, so that it cannot try one password after another on many of them.

Each attempt counts before its password is checked, so that many at once are no way around, and is given back if it
succeeds. The counts are in the shared store where there is one, else, and while it is unavailable, in the worker.
"""

import asyncio
import hashlib
import ipaddress
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from flask import Flask, Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

from .event_loop import completed
from .settings import Settings
from .store import LoopStore, Store, StoreUnavailable

# Ten are enough for a user who mistypes, sixty for an office behind one address.
BY_ACCOUNT = RateLimitItemPerMinute(10, namespace="account")
BY_ADDRESS = RateLimitItemPerMinute(60, namespace="address")
IPV6_PREFIX = 64  # the smallest network that a customer gets, with more addresses than could be counted

Limits = tuple[tuple[RateLimitItem, str], ...]


class NoThrottle:
    """Lets every attempt pass, as is needed for a load from one address."""

    def wait_s(self, account: str, address: str) -> int:
        return 0

    def give_back(self, account: str, address: str) -> None:
        return


class Throttle:
    """Counts of failed attempts, over a minute from the first."""

    def __init__(self, store: Store | None):
        self._store = store
        self._lock = threading.Lock()  # the storage in memory counts and reads in two steps
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._shared = FixedWindowRateLimiter(_storage(store)) if store else None

    def wait_s(self, account: str, address: str) -> int:
        """Count this attempt; 0 if it may go on, else the seconds until the next one may."""
        return self._count(lambda limiter: _hit(limiter, _limits(account, address)))

    def give_back(self, account: str, address: str) -> None:
        """Take back the count of an attempt that succeeded, and those of the account's failures from this address."""
        self._count(lambda limiter: _give_back(limiter, _limits(account, address)))

    def _count(self, action: Callable[[FixedWindowRateLimiter], int]) -> int:
        if self._store and self._shared:
            try:
                with self._store.use():
                    return action(self._shared)
            except StoreUnavailable:
                pass
        with self._lock:
            return action(self._local)


class LoopThrottle(Throttle):
    """Counts in a thread, as the library's storages have no coroutines that fit; the loop goes on meanwhile."""

    def _count(self, action: Callable[[FixedWindowRateLimiter], int]) -> int:
        return completed(asyncio.to_thread(super()._count, action))


def _storage(store: Store) -> RedisStorage:
    """A storage over the store's own connections; the URI only selects the kind of storage."""
    pool = store.client.connection_pool
    return RedisStorage("redis://", connection_pool=pool, key_prefix=f"{store.prefix}login")


def _limits(account: str, address: str) -> Limits:
    """The limits of an attempt, and whose they are; the account's as a digest, because a name may be very long."""
    account_id = hashlib.sha256(account.encode(errors="replace")).hexdigest()
    network = _network(address)
    return (BY_ACCOUNT, f"{account_id}@{network}"), (BY_ADDRESS, network)


def _network(address: str) -> str:
    """The address as it is counted: one of IPv4, or the network of one of IPv6."""
    parsed = _parse(address.partition("%")[0])
    if parsed is None:
        return address[:100]  # of a Unix socket
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), IPV6_PREFIX), strict=False))
    return str(parsed)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, also with a port, which some proxies add; None for anything else."""
    with suppress(ValueError):
        return ipaddress.ip_address(address)
    with suppress(ValueError):
        return ipaddress.ip_address(urlsplit(f"//{address}").hostname or "")
    return None


def _hit(limiter: FixedWindowRateLimiter, limits: Limits) -> int:
    """Count an attempt; one that a limit refuses counts for that limit only."""
    counted: Limits = ()
    for limit, identity in limits:
        if not limiter.hit(limit, identity):
            for earlier in counted:
                _reduce(limiter, *earlier)
            return max(1, math.ceil(limiter.get_window_stats(limit, identity).reset_time - time.time()))
        counted += ((limit, identity),)
    return 0


def _give_back(limiter: FixedWindowRateLimiter, limits: Limits) -> int:
    by_account, by_address = limits
    limiter.clear(*by_account)
    _reduce(limiter, *by_address)
    return 0


def _reduce(limiter: FixedWindowRateLimiter, limit: RateLimitItem, identity: str) -> None:
    limiter.storage.incr(limit.key_for(identity), limit.get_expiry(), amount=-1)


def client_address(request: Request, proxies: int) -> str:
    """The address that a request comes from: that which the outermost of so many proxies in front has seen.

    Each proxy adds to `X-Forwarded-For` the address that it was asked from; what stands before may be invented.
    """
    seen = [part.strip() for part in ",".join(request.headers.getlist("X-Forwarded-For")).split(",")]
    return seen[-proxies] if 0 < proxies <= len(seen) and seen[-proxies] else request.remote_addr or ""


def init_app(app: Flask, settings: Settings) -> None:
    """Create the throttle."""
    app.extensions["throttle"] = _create_throttle(app.extensions["store"]) if settings.login_throttle else NoThrottle()


def _create_throttle(store: Store | None) -> Throttle:
    return LoopThrottle(store.blocking) if isinstance(store, LoopStore) else Throttle(store)

"""What the page shows: computed from a reading, the one before it, and the oldest one of the last minute."""

import re
import time
from itertools import groupby
from typing import Any

from ..monitor_file import Route, SlowRequest, WorkerRequests
from ..worker_metrics import FIXED_FIELDS
from .differences import counter_differences, route_differences
from .quantile import quantile_ms
from .readings import PoolPeak, Reading

# Shares of a pool's connections in use, from which on the page warns.
LEVELS = ((0.95, "critical"), (0.85, "warning"), (0.70, "notice"))
CACHE_COUNTER = re.compile(r"cache_(\w+)_(hit|miss|stale)")
MAX_SHOWN, MAX_SLOW_SHOWN = 20, 10
RECENT_US = 120 * 10**6

Snapshot = dict[str, Any]


def snapshot(oldest: Reading, before: Reading, now: Reading, peak: PoolPeak) -> Snapshot:
    """The content of the page. Rates of pools are those since the reading before, of routes those of the last minute.

    Times are milliseconds, times of day seconds since 1970.
    """
    requests = list(now.requests.values())
    counted = counter_differences(oldest, now)
    return {
        "at_s": time.time(),
        "window_s": round(now.at_s - oldest.at_s, 1),
        "pool": _pool(before, now, peak),
        "routes": _routes(oldest, now),
        "slow_requests": _slow_requests(requests),
        "slow_statements": _slow_statements(requests),
        "caches": _caches(counted),
        "counters": {name: count for name, count in _sums(now).items() if not CACHE_COUNTER.fullmatch(name)},
        "workers": [_worker(number, now, before) for number in sorted(now.counters)],
    }


def level(used: int, limit: int) -> str:
    """How near the pool is to its end: ok, notice, warning or critical."""
    share = used / limit if limit else 0.0
    return next((name for bound, name in LEVELS if share >= bound), "ok")


def _pool(before: Reading, now: Reading, peak: PoolPeak) -> Snapshot:
    """All pools together. A wait is the time until a connection was given back by another caller."""
    since = counter_differences(before, now)
    limit = sum(values["limit"] for values in now.counters.values())
    acquires = since["acquires"]
    return {
        "used": peak.used,
        "limit": limit,
        "open": sum(values["open"] for values in now.counters.values()),
        "level": level(peak.used, limit),
        "pending": peak.pending,
        "acquires": acquires,
        "wait_ms": since["wait_ns"] / acquires / 1e6 if acquires else 0.0,
        "longest_wait_ms": max((values["longest_wait_ns"] for values in now.counters.values()), default=0) / 1e6,
        "timeouts": _sum(now, "timeouts"),
    }


def _worker(number: int, now: Reading, before: Reading) -> Snapshot:
    values, requests = now.counters[number], now.requests.get(number)
    earlier = before.requests.get(number)
    served = sum(route.total for route in requests.routes) if requests else 0
    served_before = sum(route.total for route in earlier.routes) if earlier else 0
    seconds = now.at_s - before.at_s
    return {
        "number": number,
        "pid": values["pid"],
        "started_s": requests.started_us / 1e6 if requests else None,
        "active": requests.active if requests else None,
        "requests_per_s": max(0, served - served_before) / seconds if seconds else 0.0,
        "used": values["checked_out"],
        "limit": values["limit"],
        "pending": values["pending"],
        "level": level(values["checked_out"], values["limit"]),
    }


def _routes(oldest: Reading, now: Reading) -> list[Snapshot]:
    """The requests of the last minute by method and route, those with the most time first."""
    recent = sorted(route_differences(oldest, now), key=lambda route: (route.route, route.method))
    groups = (list(group) for _, group in groupby(recent, key=lambda route: (route.route, route.method)))
    shown = sorted((_route(group) for group in groups), key=lambda route: -route["total_ms"])
    return shown[:MAX_SHOWN]


def _route(routes: list[Route]) -> Snapshot:
    buckets = [sum(counts) for counts in zip(*(route.buckets for route in routes), strict=True)]
    count = sum(buckets)
    total_us = sum(route.duration_us for route in routes)
    return {
        "method": routes[0].method,
        "route": routes[0].route or "(no route)",
        "count": count,
        "mean_ms": total_us / count / 1000,
        "total_ms": total_us / 1000,
        "p50_ms": quantile_ms(buckets, 0.50),
        "p95_ms": quantile_ms(buckets, 0.95),
        "client_errors": sum(route.total for route in routes if 400 <= route.status < 500),
        "server_errors": sum(route.total for route in routes if route.status >= 500),
    }


def _slow_requests(workers: list[WorkerRequests]) -> list[Snapshot]:
    now_us = time.time_ns() // 1000
    slow = [each for worker in workers for each in worker.slow_requests if each.at_us > now_us - RECENT_US]
    slow.sort(key=lambda request: -request.duration_us)
    return [
        {
            "at_s": request.at_us / 1e6,
            "route": request.route,
            "ms": request.duration_us / 1000,
            "queue_ms": _ms(request.queue_us),
            "pool_ms": _ms(request.pool_us),
            "db_ms": _ms(request.db_us),
            "other_ms": _other_ms(request),
            "id": request.request_id,
        }
        for request in slow[:MAX_SLOW_SHOWN]
    ]


def _slow_statements(workers: list[WorkerRequests]) -> list[Snapshot]:
    slow = sorted((each for worker in workers for each in worker.slow_statements), key=lambda each: -each.at_us)
    return [
        {"at_s": each.at_us / 1e6, "ms": each.duration_us / 1000, "id": each.request_id, "text": each.text}
        for each in slow[:MAX_SLOW_SHOWN]
    ]


def _caches(counted: dict[str, int]) -> list[Snapshot]:
    """Of each cache the outcomes of the last minute; a stale answer is served from the cache too."""
    caches: dict[str, dict[str, int]] = {}
    for name, count in counted.items():
        if match := CACHE_COUNTER.fullmatch(name):
            caches.setdefault(match[1], {})[match[2]] = count
    return [
        {"name": name, **outcomes, "ratio": _share(outcomes.get("hit", 0) + outcomes.get("stale", 0), outcomes)}
        for name, outcomes in caches.items()
    ]


def _share(count: int, outcomes: dict[str, int]) -> float | None:
    total = sum(outcomes.values())
    return count / total if total else None


def _sums(now: Reading) -> dict[str, int]:
    """The application's own counters, over its workers."""
    names = next(iter(now.counters.values()), {})
    return {name: _sum(now, name) for name in names if name not in FIXED_FIELDS}


def _sum(now: Reading, name: str) -> int:
    return sum(values[name] for values in now.counters.values())


def _other_ms(request: SlowRequest) -> float | None:
    """The time of a request in which it neither waited for a connection nor for the database."""
    if request.pool_us is None or request.db_us is None:
        return None
    return max(0, request.duration_us - request.pool_us - request.db_us) / 1000


def _ms(us: int | None) -> float | None:
    return None if us is None else us / 1000

"""Closed loads in which some users do one slow thing, and others read the cached dashboard beside them."""

from typing import Any

from workbench.endpoints import DASHBOARD

LIGHT_USERS = 20
THINK_S = (0.1, 0.3)
UPSTREAM_MS = 1000.0

HEAVY_SEARCH = (
    f"{{n}} users search for one thing after the other that takes PostgreSQL long to find, while {LIGHT_USERS} "
    "users read the cached dashboard, all with 0.1–0.3 s of think time, for 6 s after 2 s of warm-up."
)
UPSTREAM = (
    f"{{n}} users ask where shipments are, which another service answers after {UPSTREAM_MS / 1000:.0f} s, while "
    f"{LIGHT_USERS} users read the cached dashboard, all with 0.1–0.3 s of think time, for 6 s after 3 s of warm-up."
)


def _beside(slow_users: int, warmup_s: float) -> dict[str, Any]:
    return {
        "kind": "sustained",
        "users": slow_users + LIGHT_USERS,
        "warmup_s": warmup_s,
        "duration_s": 6.0,
        "think_s": THINK_S,
        "shares": {DASHBOARD.name: 1.0},
    }


def heavy_search(searching_users: int) -> dict[str, Any]:
    """The fields of a scenario with so many users who do nothing but search."""
    return _beside(searching_users, 2.0) | {"terms": "expensive", "searching_users": searching_users}


def upstream(tracking_users: int) -> dict[str, Any]:
    """The fields of a scenario with so many users who do nothing but ask where shipments are.

    All log in before the load: their hashes would last as long as the warm-up.
    """
    return _beside(tracking_users, 3.0) | {"tracking_users": tracking_users, "upstream_ms": UPSTREAM_MS}

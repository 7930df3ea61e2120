"""The named deployments: which fields differ from the published set-up.

`<name>-with-<change>` is a deployment with one thing changed, to see what that thing is worth.
"""

import os
from dataclasses import fields

from reference_app.settings import Settings
from workbench.errors import UserError

RDS_HOST = "tracetrack.c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com"

# What the published run really had: the defaults of Settings, but that it hashed as many passwords at once as came.
AS_MEASURED: dict = {"hash_limit": 0}
AS_CLAIMED = AS_MEASURED | {"cache": "process"}
AS_ADVISED = AS_MEASURED | {
    "server": "gevent",
    "workers": 8,
    "worker_connections": 2000,
    "pool_profile": "rds",
    "deadlines": True,  # the same wait lets greenlets run while one waits for PostgreSQL
    "cache": "shared",
    "sessions": "flask-session-redis",
    "max_connections": 750,
    "round_trip_ms": 1.0,
}
# Of this machine, as far as the server's connections reach.
CORES = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
TUNED = {
    "server": "gthread",
    "workers": CORES,
    "threads": 64,
    "warm_up": True,
    "pool_size": 3,
    "pool_max_overflow": 0,
    "pool_ping_after_ms": 500,
    "statement_timeout_ms": 5000,
    "tcp_user_timeout_ms": 10_000,
    "deadlines": True,
    "reads": "autocommit",
    "statistics_query": "summary",
    "cache": "process",
    "sessions": "shared",
    "password_hash": "argon2id",
    "hash_limit": 1,
    "indexes": "trigram",
}


def _as_measured(**changed) -> dict:
    return AS_MEASURED | changed


def _tuned_without(*names: str) -> dict:
    """Ours with the published set-up's choice in these fields."""
    base = Settings(database_url="", secret_key="", **AS_MEASURED)
    return TUNED | {name: getattr(base, name) for name in names}


DEPLOYMENTS: dict[str, tuple[str, dict]] = {
    "as-measured": ("what the published run really had: one sync worker, caches not in force", AS_MEASURED),
    "as-claimed": ("the same with the caches in force", AS_CLAIMED),
    "as-advised": ("the published advice for production: 8 gevent workers, each with the RDS pool", AS_ADVISED),
    "tuned": ("ours: a worker a core, argon2id, caches, a small pool, statistics by triggers, trigram index", TUNED),
    "as-advised-at-default": (
        "as-advised on a server with PostgreSQL's default of connections",
        AS_ADVISED | {"max_connections": 100},
    ),
    "gevent-blocking": (
        "as-advised with libpq's own waiting, which stops all greenlets of a worker: a cautionary tale",
        AS_ADVISED | {"deadlines": False},
    ),
    "tuned-without-cache": ("tuned, no cache", _tuned_without("cache")),
    "tuned-without-pool": (
        "tuned, a connection for each use",
        TUNED | {"pool": "none", "max_connections": 64 * CORES + 20},
    ),
    "tuned-without-index": ("tuned, no trigram index", _tuned_without("indexes")),
    "tuned-without-argon2": ("tuned, passwords hashed by scrypt", _tuned_without("password_hash")),
    "tuned-without-aggregate": (
        "tuned, a statement for each figure of the dashboard",
        TUNED | {"statistics_query": "separate"},
    ),
    "tuned-without-workers": ("tuned, one sync worker", _tuned_without("server", "workers", "threads")),
    "tuned-without-shared-sessions": ("tuned, sessions in files", _tuned_without("sessions")),
    "tuned-without-hash-limit": ("tuned, any number of hashes at once", _tuned_without("hash_limit")),
    # Two at once, for what one is worth without the other.
    "tuned-without-cache-and-index": ("tuned, neither cache nor trigram index", _tuned_without("cache", "indexes")),
    "tuned-without-argon2-and-hash-limit": (
        "tuned, passwords hashed by scrypt, any number at once",
        _tuned_without("password_hash", "hash_limit"),
    ),
    "as-measured-on-rds": ("as-measured, its database under a host name of RDS", _as_measured(database_host=RDS_HOST)),
    "as-measured-with-no-pool": ("a connection for each use", _as_measured(pool="none")),
    "as-measured-with-no-pre-ping": ("pooled connections are used unasked", _as_measured(pool_pre_ping=False)),
    "as-measured-with-autocommit": ("reads without BEGIN and ROLLBACK", _as_measured(reads="autocommit")),
    "as-measured-with-deadlines": (
        "every wait for PostgreSQL bounded: pre-ping, connect, statement, unacknowledged data",
        _as_measured(deadlines=True, statement_timeout_ms=5000, tcp_user_timeout_ms=10_000),
    ),
    "as-measured-with-separate": (
        "a statement for each figure of the dashboard",
        _as_measured(statistics_query="separate"),
    ),
    "as-measured-with-summary": ("the dashboard's figures kept by triggers", _as_measured(statistics_query="summary")),
    "as-measured-with-no-index": ("no index but those of the keys", _as_measured(indexes="none")),
    "as-measured-with-trigram": ("trigram indexes for the search", _as_measured(indexes="trigram")),
    "as-measured-with-two-workers": (
        "as-measured, one worker more",
        _as_measured(workers=2, max_connections=110),
    ),
    "as-measured-with-two-threads": (
        "as-measured, two requests at a time in its worker",
        _as_measured(server="gthread", threads=2),
    ),
    "as-measured-with-5-ms": ("as-measured, its database 5 ms away", _as_measured(round_trip_ms=5.0)),
    "cross-region": ("as-measured, its database 28 ms away", _as_measured(round_trip_ms=28.0)),
    "tuned-with-one-worker": ("tuned, one worker whatever the cores", TUNED | {"workers": 1}),
    "tuned-with-two-threads": ("tuned, two requests at a time in each worker", TUNED | {"threads": 2}),
    "tuned-with-short-cache": (
        "tuned, what is cached lives for a second",
        TUNED | {"cache_statistics_ttl_s": 1, "cache_search_ttl_s": 1},
    ),
    "tuned-without-cache-with-5-ms": (
        "tuned, no cache, its database 5 ms away",
        _tuned_without("cache") | {"round_trip_ms": 5.0},
    ),
    "tuned-without-cache-with-5-ms-and-one-connection": (
        "the same with one connection in each worker",
        _tuned_without("cache") | {"round_trip_ms": 5.0, "pool_size": 1},
    ),
    "tuned-with-shared-cache": ("tuned, its cache in the store of all workers", TUNED | {"cache": "shared"}),
    "tuned-with-cookie-sessions": ("tuned, sessions in signed cookies", TUNED | {"sessions": "cookie"}),
    "tuned-with-fifo": ("tuned, the pool in turn instead of the last used first", TUNED | {"pool_order": "fifo"}),
    "tuned-with-published-pool": (
        "tuned, with the published pool of 30 + 20 in each worker",
        TUNED | {"pool_size": 30, "pool_max_overflow": 20, "max_connections": 50 * CORES + 10},
    ),
}


def find(name: str, **given) -> Settings:
    """The settings of a named deployment; `given` are the fields that a run decides (URL, key, scale, …)."""
    if name not in DEPLOYMENTS:
        raise UserError(f"there is no deployment {name!r}; choose one of {', '.join(DEPLOYMENTS)}")
    return Settings(**{"database_url": "", "secret_key": "", **DEPLOYMENTS[name][1], **given})


def differences(name: str) -> dict[str, tuple]:
    """The fields in which a deployment differs from `as-measured`: field to (theirs, its own)."""
    base, other = find("as-measured"), find(name)
    pairs = {field.name: (getattr(base, field.name), getattr(other, field.name)) for field in fields(base)}
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}

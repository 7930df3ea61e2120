"""The deployments of the profile `operations`: other servers, and what runs around the application.

They are rows of `loadgen.deployments.DEPLOYMENTS` like all others.
"""

from reference_app.settings_conflicts import DEFAULT_WORKER_TIMEOUT_S
from workbench.arms import (
    ADVISED,
    BASELINE,
    CONSTRAINED,
    CONSTRAINED_GEVENT,
    CONSTRAINED_GEVENT_1_GIB,
    GEVENT,
    MONITORED,
    MORE_THREADS,
    TUNED,
)

from .deployment import Deployment, PerCore

SERVERS = {
    "tuned-with-sync-workers": Deployment(
        "Tuned with a sync worker for each core, which serves one request at a time.",
        TUNED,
        {
            "server": "sync",
            "threads": 1,
            "cpu_affinity": False,
            "even_connections": False,
            "worker_timeout_s": DEFAULT_WORKER_TIMEOUT_S,
        },
    ),
    GEVENT: Deployment(
        "Tuned with a gevent worker for each core.",
        TUNED,
        {"server": "gevent", "cpu_affinity": False, "even_connections": False},
    ),
    "tuned-with-granian": Deployment(
        "Tuned on Granian, which reads HTTP in Rust and spreads connections over sockets of its workers.",
        TUNED,
        {
            "server": "granian",
            "body_timeout_s": 0,
            "cpu_affinity": False,
            "even_connections": False,
            "worker_timeout_s": DEFAULT_WORKER_TIMEOUT_S,
        },
    ),
}
SESSIONS = {
    "tuned-with-database-sessions": Deployment("Tuned with sessions in PostgreSQL.", TUNED, {"sessions": "database"}),
    "as-measured-with-database-sessions": Deployment(
        "The baseline with sessions in PostgreSQL, which the published report says its files save.",
        BASELINE,
        {"sessions": "database"},
    ),
}
MONITORING = {
    MONITORED: Deployment(
        "Tuned with the monitor beside it: a process that shows the workers' metrics, and what they record for it.",
        TUNED,
        {"monitor": True},
    ),
}
# With as many connections at the server as the pools of tuned have.
_PGBOUNCER = {"pooler": "pgbouncer", "pooler_size": PerCore(3)}
POOLERS = {
    "tuned-with-pgbouncer": Deployment("Tuned with PgBouncer behind its small pools.", TUNED, _PGBOUNCER),
    "tuned-without-pool-with-pgbouncer": Deployment(
        "Tuned with PgBouncer in the place of its pools: each use opens a connection to PgBouncer.",
        "tuned-without-pool",
        _PGBOUNCER,
    ),
    "as-advised-with-pgbouncer": Deployment(
        "The advice with PgBouncer beside the application, which opens 20 connections instead of up to 720.",
        ADVISED,
        {"pooler": "pgbouncer", "pooler_size": 20, "max_connections": 100},
    ),
}
MEMORY_LIMIT_MIB = 512
MEMORY = {
    CONSTRAINED: Deployment(
        "The published set-up with 512 MiB for all of its processes.", BASELINE, {"memory_limit_mib": MEMORY_LIMIT_MIB}
    ),
    CONSTRAINED_GEVENT: Deployment(
        "The published advice, 8 gevent workers, with 512 MiB for all of its processes.",
        ADVISED,
        {"memory_limit_mib": MEMORY_LIMIT_MIB},
    ),
    CONSTRAINED_GEVENT_1_GIB: Deployment(
        "The published advice with 1 GiB for all of its processes.", CONSTRAINED_GEVENT, {"memory_limit_mib": 1024}
    ),
    "constrained-gevent-in-432-mib": Deployment(
        "The published advice with 432 MiB for all of its processes.", CONSTRAINED_GEVENT, {"memory_limit_mib": 432}
    ),
    "constrained-gevent-in-256-mib": Deployment(
        "The published advice with 256 MiB for all of its processes: it runs out of memory at start.",
        CONSTRAINED_GEVENT,
        {"memory_limit_mib": 256},
    ),
    "constrained-with-8-workers": Deployment(
        "The published set-up with 8 sync workers and 512 MiB for all of its processes.",
        CONSTRAINED,
        {"workers": 8, "max_connections": 450},
    ),
    "constrained-with-8-workers-with-preload": Deployment(
        "8 sync workers that are forked from a process with the application in its memory, and 512 MiB for all.",
        "constrained-with-8-workers",
        {"preload": True},
    ),
}
THREADS = {
    MORE_THREADS: Deployment("Tuned with four times as many threads in each worker.", TUNED, {"threads": 256}),
}
# Each with its database's driver as the only difference, or with its server as the only one.
ASYNC = {
    "tuned-with-psycopg3": Deployment(
        "Tuned with psycopg 3 as the driver, which knows no deadlines here.",
        TUNED,
        {"driver": "psycopg3", "deadlines": False, "database_timeout_s": 0.0},
    ),
    "async-quart": Deployment(
        "Tuned on an event loop: Quart on uvicorn, an asynchronous pool and psycopg 3.",
        "tuned-with-psycopg3",
        {
            "server": "uvicorn",
            "threads": 1,
            "cpu_affinity": False,
            "even_connections": False,
            "database_timeout_s": 6.0,
        },
    ),
}
# Where waiting takes longer: for a database that is 5 ms away.
ASYNC_AND_DISTANT = {
    "async-quart-without-cache": Deployment("Asynchronous, without caches.", "async-quart", {"cache": "off"}),
    "async-quart-without-cache-with-5-ms": Deployment(
        "Asynchronous, without caches, its database 5 ms away.", "async-quart-without-cache", {"round_trip_ms": 5.0}
    ),
}
OPERATIONS = {**SERVERS, **THREADS, **SESSIONS, **MONITORING, **POOLERS, **MEMORY, **ASYNC, **ASYNC_AND_DISTANT}

"""The named deployments: how the system under test is set up.

Each row of `DEPLOYMENTS` has the settings in which a deployment differs from its parent, and in the first row from the
defaults of `reference_app.settings.Settings`. To add a deployment: a row here, and an arm in `loadgen.profiles` that
runs it. (The profiles take every `tuned-without-<optimisation>` from here; such a row needs no arm.) Then regenerate
the documentation: `python -m loadgen list --markdown > docs/DEPLOYMENTS.md`. Those of the profile `operations` are in
`loadgen.operations_deployments`, those of the scenario `soak` in `loadgen.soak_deployments`, those under a stated limit
in `loadgen.overload_deployments`.
"""

from dataclasses import fields
from typing import Any

from reference_app.settings import Settings
from workbench import nearest_name
from workbench.arms import ADVISED, BASELINE, CLAIMED, GEVENT_BLOCKING, TOGETHER, TUNED, WITH, WITHOUT
from workbench.errors import UsageError

from .deployment import CORES, Deployment, PerCore
from .operations_deployments import OPERATIONS
from .overload_deployments import OVERLOAD
from .resilience_deployments import RESILIENCE
from .soak_deployments import SOAK

RDS_HOST = "tracetrack.c1a2b3c4d5e6.eu-central-1.rds.amazonaws.com"
UNPICKLES = "Unpickles its sessions, as published: for comparison only."


# The published run hashed as many passwords at once as came, and kept sessions in files; the rest are the defaults.
_AS_MEASURED: dict[str, Any] = {"hash_limit": 0, "sessions": "filesystem"}
_AS_ADVISED = {
    "server": "gevent",
    "workers": 8,
    "worker_connections": 2000,
    "pool_profile": "rds",
    "deadlines": True,  # the wait that keeps deadlines also lets other greenlets run meanwhile
    "cache": "shared",
    "sessions": "flask-session-redis",
    "max_connections": 750,
    "round_trip_ms": 1.0,
}
_TUNED = {
    "server": "gthread",
    "workers": PerCore(1),
    "threads": 64,
    "cpu_affinity": True,
    "even_connections": True,
    "warm_up": True,
    "worker_timeout_s": 5,
    "pool_size": 3,
    "pool_max_overflow": 0,
    "pool_ping_after_ms": 500,
    "pool_timeout_s": 2.0,
    "connect_timeout_s": 2,
    "statement_timeout_ms": 5000,
    "tcp_user_timeout_ms": 10_000,
    "deadlines": True,
    "database_timeout_s": 6.0,
    "client_check_ms": 1000,
    "retry_lost": True,
    "reads": "autocommit",
    "statistics_query": "summary",
    "cache": "process",
    "sessions": "shared",
    "password_hash": "argon2id",
    "hash_limit": 1,
    "indexes": "trigram",
}


def _untuned(*names: str) -> dict[str, Any]:
    """The values of `as-measured` for settings that `tuned` changes."""
    published = Settings(database_url="", secret_key="", **_AS_MEASURED)
    return {name: getattr(published, name) for name in names}


DEPLOYMENTS: dict[str, Deployment] = {
    BASELINE: Deployment(
        "The published run as it really was: one sync worker, pool of 30 + 20, caches declared but not in force.",
        "",
        _AS_MEASURED,
    ),
    CLAIMED: Deployment(
        "The published run as it was described: with its caches in force.", BASELINE, {"cache": "process"}
    ),
    ADVISED: Deployment(
        "The published advice for production: 8 gevent workers with the RDS pool in each, shared cache and sessions.",
        BASELINE,
        _AS_ADVISED,
    ),
    TUNED: Deployment(
        "The workbench's own set-up: a worker for each core, argon2id, caches, a small pool, statistics by triggers, "
        "trigram indexes.",
        BASELINE,
        _TUNED,
    ),
    "as-advised-at-default": Deployment(
        "The advice on a server with PostgreSQL's default of 100 connections: it refuses to start.",
        ADVISED,
        {"max_connections": 100},
    ),
    GEVENT_BLOCKING: Deployment(
        "The advice with libpq's own waiting, which stops all greenlets of a worker: a cautionary example.",
        ADVISED,
        {"deadlines": False},
    ),
    # One optimisation left out; an optimisation may comprise several settings.
    "tuned-without-cache": Deployment("Tuned without caches.", TUNED, _untuned("cache")),
    "tuned-without-pool": Deployment(
        "Tuned without a connection pool: each use opens a connection.",
        TUNED,
        {"pool": "none", "max_connections": PerCore(64, 20)},
    ),
    "tuned-without-index": Deployment("Tuned without trigram indexes.", TUNED, _untuned("indexes")),
    "tuned-without-argon2": Deployment("Tuned with passwords hashed by scrypt.", TUNED, _untuned("password_hash")),
    "tuned-without-aggregate": Deployment(
        "Tuned with a statement for each number of the dashboard.", TUNED, {"statistics_query": "separate"}
    ),
    "tuned-without-workers": Deployment(
        "Tuned with a single sync worker.",
        TUNED,
        _untuned("server", "workers", "threads", "cpu_affinity", "even_connections", "worker_timeout_s"),
    ),
    "tuned-without-affinity": Deployment("Tuned with workers on any core.", TUNED, _untuned("cpu_affinity")),
    "tuned-without-even-connections": Deployment(
        "Tuned with connections to the worker that wakes first.", TUNED, _untuned("even_connections")
    ),
    "tuned-without-shared-sessions": Deployment("Tuned with sessions in files.", TUNED, _untuned("sessions")),
    "tuned-without-hash-limit": Deployment(
        "Tuned with any number of password hashes at once.", TUNED, _untuned("hash_limit")
    ),
    # Two left out together, for the effect of one without the other.
    "tuned-without-cache-and-index": Deployment(
        "Tuned with neither caches nor trigram indexes.", TUNED, _untuned("cache", "indexes")
    ),
    "tuned-without-argon2-and-hash-limit": Deployment(
        "Tuned with passwords hashed by scrypt, any number at once.", TUNED, _untuned("password_hash", "hash_limit")
    ),
    # The baseline with one thing changed.
    "as-measured-on-rds": Deployment(
        "The baseline with its database under a host name of Amazon RDS.", BASELINE, {"database_host": RDS_HOST}
    ),
    "as-measured-with-no-pool": Deployment(
        "The baseline without a connection pool: each use opens a connection.", BASELINE, {"pool": "none"}
    ),
    "as-measured-with-no-pre-ping": Deployment(
        "The baseline using pooled connections without a check.", BASELINE, {"pool_pre_ping": False}
    ),
    "as-measured-with-autocommit": Deployment(
        "The baseline reading without BEGIN and ROLLBACK.", BASELINE, {"reads": "autocommit"}
    ),
    "as-measured-with-deadlines": Deployment(
        "The baseline with every wait for PostgreSQL bounded: pre-ping, connect, statement, unacknowledged data.",
        BASELINE,
        {"deadlines": True, "statement_timeout_ms": 5000, "tcp_user_timeout_ms": 10_000},
    ),
    "as-measured-with-separate": Deployment(
        "The baseline with a statement for each number of the dashboard.", BASELINE, {"statistics_query": "separate"}
    ),
    "as-measured-with-summary": Deployment(
        "The baseline with the dashboard's numbers kept by triggers.", BASELINE, {"statistics_query": "summary"}
    ),
    "as-measured-with-no-index": Deployment(
        "The baseline with no indexes but those of the keys.", BASELINE, {"indexes": "none"}
    ),
    "as-measured-with-trigram": Deployment(
        "The baseline with trigram indexes for the search.", BASELINE, {"indexes": "trigram"}
    ),
    "as-measured-with-two-workers": Deployment(
        "The baseline with a second worker.", BASELINE, {"workers": 2, "max_connections": 110}
    ),
    "as-measured-with-two-threads": Deployment(
        "The baseline serving two requests at a time in its worker.", BASELINE, {"server": "gthread", "threads": 2}
    ),
    "as-measured-with-5-ms": Deployment("The baseline with its database 5 ms away.", BASELINE, {"round_trip_ms": 5.0}),
    "cross-region": Deployment("The baseline with its database 28 ms away.", BASELINE, {"round_trip_ms": 28.0}),
    # Tuned with one thing changed.
    "tuned-with-one-worker": Deployment("Tuned with one worker on any number of cores.", TUNED, {"workers": 1}),
    "tuned-with-two-threads": Deployment("Tuned serving two requests at a time in each worker.", TUNED, {"threads": 2}),
    "tuned-with-short-cache": Deployment(
        "Tuned with cached answers that live for one second.",
        TUNED,
        {"cache_statistics_ttl_s": 1, "cache_search_ttl_s": 1},
    ),
    "tuned-without-cache-with-5-ms": Deployment(
        "Tuned without caches, its database 5 ms away.", "tuned-without-cache", {"round_trip_ms": 5.0}
    ),
    "tuned-without-cache-with-5-ms-and-one-connection": Deployment(
        "Tuned without caches, its database 5 ms away, with one connection in each worker.",
        "tuned-without-cache-with-5-ms",
        {"pool_size": 1},
    ),
    "tuned-with-shared-cache": Deployment(
        "Tuned with its cache in the store that all workers share.", TUNED, {"cache": "shared"}
    ),
    "tuned-with-cookie-sessions": Deployment("Tuned with sessions in signed cookies.", TUNED, {"sessions": "cookie"}),
    "tuned-with-fifo": Deployment(
        "Tuned with a pool that hands out connections in turn instead of the last used one first.",
        TUNED,
        {"pool_order": "fifo"},
    ),
    "tuned-with-published-pool": Deployment(
        "Tuned with the published pool of 30 + 20 in each worker.",
        TUNED,
        {"pool_size": 30, "pool_max_overflow": 20, "max_connections": PerCore(50, 10)},
    ),
    **OPERATIONS,
    **RESILIENCE,
    **SOAK,
    **OVERLOAD,
}


def without_one() -> tuple[str, ...]:
    """The deployments that leave out one optimisation of `tuned`, and change nothing else."""
    prefix = f"{TUNED}{WITHOUT}"
    return tuple(name for name in DEPLOYMENTS if name.startswith(prefix) and TOGETHER not in name and WITH not in name)


def without_two() -> tuple[str, ...]:
    """The deployments that leave out two optimisations of `tuned` together."""
    prefix = f"{TUNED}{WITHOUT}"
    return tuple(name for name in DEPLOYMENTS if name.startswith(prefix) and TOGETHER in name and WITH not in name)


def settings_for(name: str, **given: Any) -> Settings:
    """The settings of a named deployment; `given` are fields that a run decides, such as URL, key and scale.

    Raises `UserError` for an unknown name.
    """
    values: dict[str, Any] = {"database_url": "", "secret_key": "", **_values(name), **given}
    for setting, value in values.items():
        if isinstance(value, PerCore):
            values[setting] = value.value(CORES)
    return Settings(**values)


def describe(name: str) -> str:
    """The description of a deployment, with a warning where it does what no deployment for production should."""
    warning = f" {UNPICKLES}" if settings_for(name).unpickles else ""
    return f"{DEPLOYMENTS[name].description}{warning}"


def differences(name: str) -> dict[str, tuple[Any, Any]]:
    """The settings in which a deployment differs from its parent: name to (the parent's value, its own)."""
    parent = DEPLOYMENTS[name].parent
    if not parent:
        return {}
    pairs = {
        setting.name: (value_of(parent, setting.name), value_of(name, setting.name)) for setting in fields(Settings)
    }
    return {setting: pair for setting, pair in pairs.items() if pair[0] != pair[1]}


def value_of(name: str, setting: str) -> Any:
    """The value of a setting in a deployment; a `PerCore` where it depends on the machine."""
    default = next(field.default for field in fields(Settings) if field.name == setting)
    return _values(name).get(setting, default)


def _values(name: str) -> dict[str, Any]:
    """The values of a deployment that are not the defaults of `Settings`, those of its ancestors included."""
    if name not in DEPLOYMENTS:
        raise UsageError(f"there is no deployment {name!r}; {nearest_name.hint(name, DEPLOYMENTS)}")
    deployment = DEPLOYMENTS[name]
    return {**(_values(deployment.parent) if deployment.parent else {}), **deployment.changes}

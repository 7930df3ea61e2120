"""The settings of a deployment: everything that can be configured in TraceTrack.

Every field is read from one environment variable, `TRACETRACK_` and the field's name in capitals, so a deployment is
the same thing in a process, in a run's record and in a shell.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from flask import current_app

from . import pool_profiles, secret_key, settings_conflicts
from .pool_profiles import PoolProfile
from .service_urls import (
    DATABASE_EXAMPLE,
    MONITOR_EXAMPLE,
    STORE_EXAMPLE,
    UPSTREAM_EXAMPLE,
    is_database_url,
    is_monitor_url,
    is_store_url,
    is_upstream_url,
    redacted,
)
from .settings_conflicts import DEFAULT_WORKER_TIMEOUT_S
from .settings_conflicts import SettingsError as SettingsError

PREFIX = "TRACETRACK_"
MAX_PORT = 65_535
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
RUN_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")
# Keys, tokens, URLs with passwords, and files: a record has none of them.
OF_THIS_MACHINE = (
    "secret_key", "run_token", "redis_url", "store_prefix", "session_directory", "readings_file", "samples_file",
    "monitor_port", "monitor_url", "upstream_url",
)  # fmt: skip
REQUIRED = ("database_url", "secret_key")
AT_LEAST_ONE = (
    "workers", "threads", "pool_size", "max_connections", "cache_statistics_ttl_s", "cache_search_ttl_s",
    "session_lifetime_s", "session_longest_s", "monitor_port", "pooler_size",
    "upstream_timeout_ms",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment. Times carry their unit in the name; `0` for a limit means no limit."""

    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    redis_url: str = field(default="", repr=False)
    session_directory: str = ""
    readings_file: str = ""  # of the workers' metrics; the server creates one if it is not set
    samples_file: str = ""  # of the slowest executions of each statement; none are recorded if it is not set

    # a process beside the server that shows the workers' metrics
    monitor: bool = False
    monitor_port: int = 9464  # on 127.0.0.1; the port of OpenTelemetry's exporter for Prometheus
    monitor_url: str = ""  # where browsers find it, behind a proxy

    # the store that all workers share
    store_prefix: str = "tracetrack:"
    store_timeout_ms: int = 250

    # server
    # uvicorn serves the application on Quart
    server: Literal["sync", "gthread", "gevent", "granian", "uvicorn"] = "sync"
    workers: int = 1
    threads: int = 1
    worker_connections: int = 1000
    worker_timeout_s: int = DEFAULT_WORKER_TIMEOUT_S  # a worker that has not reported for so long is replaced
    admission_limit: int = 0  # requests that wait or run in a worker, logins apart; further ones get 503 at once
    admission_login_limit: int = 0  # the same of logins
    cpu_affinity: bool = False  # each worker keeps to one core, where there are as many workers
    even_connections: bool = False  # a gthread worker leaves new connections to workers with fewer
    body_timeout_s: float = 10.0  # for a whole request body
    preload: bool = False
    warm_up: bool = False
    server_timing: bool = True  # for requests that carry the run's token
    server_timing_for_all: bool = False  # for every request, for exploring on a machine of one's own
    run_token: str = field(default="", repr=False)

    # connection pool, one in each worker; None takes the profile's value
    pool: Literal["queue", "fair", "none"] = "queue"  # fair: the request that has waited longest comes first
    pool_profile: Literal["auto", "local", "rds"] = "auto"
    pool_size: int | None = None
    pool_max_overflow: int | None = None
    pool_recycle_s: int | None = None
    keepalives_idle_s: int | None = None
    pool_timeout_s: float = 30.0
    pool_order: Literal["lifo", "fifo"] = "lifo"
    pool_pre_ping: bool = True
    pool_ping_after_ms: int = 0  # a connection that was used more recently is not pinged
    pool_timed: bool = True

    # connections: their driver, and timeouts of their operations
    driver: Literal["psycopg2", "psycopg3"] = "psycopg2"
    connect_timeout_s: int = 5
    statement_timeout_ms: int = 0
    tcp_user_timeout_ms: int = 0
    deadlines: bool = False
    database_timeout_s: float = 0.0  # for all that a request waits for the database
    client_check_ms: int = 0  # the server ends a statement whose client has gone, and looks for that so often
    retry_lost: bool = False  # a unit of work whose connection was lost runs again, once
    reads: Literal["transaction", "autocommit"] = "transaction"

    # queries
    statistics_query: Literal["separate", "aggregated", "summary"] = "aggregated"

    # caches
    cache: Literal["off", "process", "shared"] = "off"
    cache_statistics_ttl_s: int = 10
    cache_search_ttl_s: int = 30

    # sessions end after the lifetime without a request; the workbench's own after the longest time too
    sessions: Literal["filesystem", "flask-session-redis", "shared", "database", "cookie"] = "cookie"
    session_threshold: int = 500
    session_lifetime_s: int = 3600
    session_longest_s: int = 12 * 3600

    # login
    password_hash: Literal["scrypt", "argon2id"] = "scrypt"
    hash_limit: int = 1
    hash_wait_ms: int = 0  # the longest wait for the turn of a hash; then 503
    login_throttle: bool = True
    proxies: int = 0  # in front, each of which adds to X-Forwarded-For the address that it was asked from

    # the carrier's tracking service, another process that answers when it can; without it shipments are 404
    upstream_url: str = ""
    upstream_timeout_ms: int = 3000  # for a whole answer

    # what the workbench provides in a run: the database, the network to it, and memory
    scale: Literal["small", "production"] = "production"
    indexes: Literal["none", "btree", "trigram"] = "btree"
    max_connections: int = 100
    memory_limit_mib: int = 0  # of all processes of the application together
    database_host: str = ""
    round_trip_ms: float = 0.0
    pooler: Literal["none", "pgbouncer"] = "none"  # a pooler of transactions before the database
    pooler_size: int = 20  # its connections to the server

    def __post_init__(self) -> None:
        for name, kind in _field_types().items():
            _check(name, kind, getattr(self, name))
        settings_conflicts.require_none(self)

    @property
    def unpickles(self) -> bool:
        """True if sessions are unpickled: who can write to their folder or their store runs code in the application."""
        return self.sessions in ("filesystem", "flask-session-redis")

    @property
    def serves_by_loop(self) -> bool:
        """True if an event loop in each worker serves many requests at once, up to `worker_connections`."""
        return self.server in ("gevent", "uvicorn")

    @property
    def needs_store(self) -> bool:
        """True if the caches or the sessions are in the store that all workers share."""
        return self.cache == "shared" or self.sessions in ("flask-session-redis", "shared")

    @property
    def schema_parts(self) -> tuple[str, ...]:
        """The optional parts of the schema that the deployment needs, as `migrate` calls them."""
        needed = {"summary": self.statistics_query == "summary", "session": self.sessions == "database"}
        return tuple(part for part, is_needed in needed.items() if is_needed)

    def require_startable(self) -> None:
        """Raise `SettingsError` for settings with which a server must not start."""
        if secret_key.is_guessable(self.secret_key):
            raise SettingsError(
                f"{PREFIX}SECRET_KEY is a placeholder, has under {secret_key.MIN_LENGTH} characters, or under "
                f"{secret_key.MIN_DISTINCT_CHARACTERS} different ones; anyone who guesses it can log in as any user, "
                "so set a random one: python -c 'import secrets; print(secrets.token_hex(32))'"
            )
        if self.run_token and not RUN_TOKEN.fullmatch(self.run_token):
            raise SettingsError(f"{PREFIX}RUN_TOKEN must have 16 to 200 letters, digits, _ or -")
        if not is_database_url(self.database_url):
            raise SettingsError(f"{PREFIX}DATABASE_URL cannot be used; it looks like {DATABASE_EXAMPLE}")
        if self.needs_store and not self.redis_url:
            raise SettingsError(
                f"{PREFIX}REDIS_URL is not set, and cache {self.cache} with sessions {self.sessions} needs a store; "
                f"it looks like {STORE_EXAMPLE}"
            )
        if self.redis_url and not is_store_url(self.redis_url):
            raise SettingsError(f"{PREFIX}REDIS_URL cannot be used; it looks like {STORE_EXAMPLE}")
        if not is_monitor_url(self.monitor_url):
            raise SettingsError(f"{PREFIX}MONITOR_URL cannot be used; it looks like {MONITOR_EXAMPLE}")
        if not is_upstream_url(self.upstream_url):
            raise SettingsError(f"{PREFIX}UPSTREAM_URL cannot be used; it looks like {UPSTREAM_EXAMPLE}")
        if self.sessions == "filesystem" and not self.session_directory:
            raise SettingsError(f"{PREFIX}SESSION_DIRECTORY is not set; sessions is filesystem, which needs a folder")

    @property
    def profile(self) -> str:
        """The name of the pool profile in force: as set, or detected from the database's host name."""
        return pool_profiles.detect(self.database_url) if self.pool_profile == "auto" else self.pool_profile

    def pool_in_force(self) -> PoolProfile:
        """The values of the profile, replaced by those that are set."""
        profile = pool_profiles.PROFILES[self.profile]
        chosen = {name: getattr(self, name) for name in asdict(profile)}
        return replace(profile, **{name: value for name, value in chosen.items() if value is not None})

    def with_profile(self) -> "Settings":
        """These settings with every value that the profile decides filled in."""
        return replace(self, **asdict(self.pool_in_force()))

    def connections_allowed(self) -> int:
        """The number of connections that the deployment may open at its database server."""
        return self.pooler_size if self.pooler != "none" else self.client_connections()

    def client_connections(self) -> int:
        """The number of connections that all workers together may open, to the server or to a pooler before it."""
        if self.pool == "none":
            return self.workers * (self.worker_connections if self.serves_by_loop else self.threads)
        pool = self.pool_in_force()
        return self.workers * (pool.pool_size + pool.pool_max_overflow)

    @classmethod
    def from_env(cls, prefix: str = PREFIX, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from the environment; a field that is not set keeps its default.

        Raises `SettingsError` for a value that cannot be read, or a missing one that has no default.
        """
        kinds = _field_types()
        given = {name: environ[prefix + name.upper()] for name in kinds if prefix + name.upper() in environ}
        for name in REQUIRED:
            if not given.get(name):
                raise SettingsError(f"{prefix}{name.upper()} is not set; TraceTrack cannot start without it")
        return cls(**{name: _parse(name, kinds[name], text) for name, text in given.items()})

    def to_env(self, prefix: str = PREFIX) -> dict[str, str]:
        """The environment that `from_env` reads back as this deployment."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {prefix + name.upper(): str(value) for name, value in values.items() if value is not None}

    def public(self) -> dict[str, Any]:
        """The fields that a record may keep, the profile's filled in: no key, password or folder of this machine."""
        shown = asdict(self.with_profile())
        shown.update(database_url=redacted(self.database_url), pool_profile=self.profile)
        for name in OF_THIS_MACHINE:
            del shown[name]
        return shown


def current_settings() -> Settings:
    """The settings of the application that serves the current request."""
    return current_app.extensions["settings"]


def _field_types() -> dict[str, Any]:
    """The type of each field; of a field that may be None, the type that it has otherwise."""
    kinds = get_type_hints(Settings)
    return {name: get_args(kind)[0] if get_origin(kind) is UnionType else kind for name, kind in kinds.items()}


def _parse(name: str, kind: Any, text: str) -> Any:
    if kind is bool:
        if text.strip().lower() not in TRUE + FALSE:
            raise SettingsError(f"{name} is {text!r}; it must be true or false")
        return text.strip().lower() in TRUE
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise SettingsError(f"{name} is {text!r}; it must be a number") from None
    return text


def _check(name: str, kind: Any, value: Any) -> None:
    if value is None:
        return
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise SettingsError(f"{name} is {value!r}; it must be one of {', '.join(get_args(kind))}")
    if kind in (int, float) and not 0 <= value < float("inf"):
        raise SettingsError(f"{name} is {value}; it must be a number of at least 0")
    if name in AT_LEAST_ONE and value < 1:
        raise SettingsError(f"{name} is {value}; it must be a number of at least 1")
    if name == "monitor_port" and value > MAX_PORT:
        raise SettingsError(f"{name} is {value}; it must be a port, at most {MAX_PORT}")

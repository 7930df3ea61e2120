"""The fields of a deployment: what TraceTrack can be told, and nothing else tells it.

Every field is read from one environment variable, `TRACETRACK_` and the field's name in capitals, so a
deployment is the same thing in a process, in a run's record and in a shell.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import UnionType
from typing import Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2.extensions import parse_dsn
from redis import ConnectionPool, RedisError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from . import pool_profiles

PREFIX = "TRACETRACK_"
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
SECRET = ("database_url", "secret_key")
SHORTEST_KEY = 16
DATABASE_URL = "postgresql://user:password@host:5432/database"
REDIS_URL = "redis://:password@host:6379/0"
AT_LEAST_ONE = (
    "workers", "threads", "pool_size", "max_connections", "cache_statistics_ttl_s", "cache_search_ttl_s",
    "session_lifetime_s", "session_longest_s",
)  # fmt: skip
FEWEST_CHARACTERS = 8  # different ones in a key
# Of Flask's own documentation, tutorials and templates, as far as they are long enough, and more than these words.
DEFAULT_KEYS = (
    "you-will-never-guess", "this-is-a-secret-key", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
)  # fmt: skip
# None of them is of the letters of hexadecimal digits only.
WORDS_OF_DEFAULTS = (
    "app", "change", "default", "dev", "development", "django", "example", "flask", "for", "here", "in", "insecure",
    "is", "it", "key", "long", "me", "my", "not", "password", "placeholder", "please", "prod", "production", "random",
    "replace", "secret", "session", "some", "something", "string", "super", "test", "testing", "the", "this", "to",
    "token", "use", "value", "very", "with", "your",
)  # fmt: skip


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment. Times carry their unit in the name; `0` for a limit means no limit."""

    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    redis_url: str = field(default="", repr=False)
    session_directory: str = ""
    readings_file: str = ""

    # the store that all workers share
    store_prefix: str = "tracetrack:"
    store_timeout_ms: int = 250

    # server
    server: Literal["sync", "gthread", "gevent"] = "sync"
    workers: int = 1
    threads: int = 1
    worker_connections: int = 1000
    body_timeout_s: float = 10.0  # for all of a request's body to come
    preload: bool = False
    warm_up: bool = False
    server_timing: bool = True

    # connection pool, one in each worker; what is None comes from the profile
    pool: Literal["queue", "none"] = "queue"
    pool_profile: Literal["auto", "local", "rds"] = "auto"
    pool_size: int | None = None
    pool_max_overflow: int | None = None
    pool_recycle_s: int | None = None
    keepalives_idle_s: int | None = None
    pool_timeout_s: float = 30.0
    pool_order: Literal["lifo", "fifo"] = "lifo"
    pool_pre_ping: bool = True
    pool_ping_after_ms: int = 0  # without use: who was used since is taken to live
    pool_timed: bool = True

    # connections: how long anything may take, 0 for no limit
    connect_timeout_s: int = 5
    statement_timeout_ms: int = 0
    tcp_user_timeout_ms: int = 0
    deadlines: bool = False
    reads: Literal["transaction", "autocommit"] = "transaction"

    # queries
    statistics_query: Literal["separate", "aggregated", "summary"] = "aggregated"

    # caches
    cache: Literal["off", "process", "shared"] = "off"
    cache_statistics_ttl_s: int = 10
    cache_search_ttl_s: int = 30

    # sessions: lifetime is without a request, and the longest (of shared and cookie) whatever happens
    sessions: Literal["filesystem", "flask-session-redis", "shared", "cookie"] = "filesystem"
    session_threshold: int = 500
    session_lifetime_s: int = 3600
    session_longest_s: int = 12 * 3600

    # login
    password_hash: Literal["scrypt", "argon2id"] = "scrypt"
    hash_limit: int = 1
    login_throttle: bool = True

    # the database it is given, and the way there
    scale: Literal["small", "production"] = "production"
    indexes: Literal["none", "btree", "trigram"] = "btree"
    max_connections: int = 100
    database_host: str = ""
    round_trip_ms: float = 0.0

    def __post_init__(self):
        for name, kind in _kinds(type(self)).items():
            _check(name, kind, getattr(self, name))
        if self.preload and self.server == "gevent":
            raise SettingsError(
                "preload is on and server is gevent; its locks would be made before gevent replaces them, "
                "so set preload to false"
            )

    @property
    def needs_store(self) -> bool:
        """Whether the caches or the sessions are in the store that all workers share."""
        return self.cache == "shared" or self.sessions in ("flask-session-redis", "shared")

    def require_startable(self) -> None:
        """Raise `SettingsError` for what a server must not be started with."""
        if _is_guessed(self.secret_key):
            raise SettingsError(
                f"{PREFIX}SECRET_KEY is a default, under {SHORTEST_KEY} characters or of under {FEWEST_CHARACTERS} "
                "different ones, and whoever knows it can log in as anybody; set one of your own: "
                "python -c 'import secrets; print(secrets.token_hex(32))'"
            )
        if not _is_url_of_a_database(self.database_url):
            raise SettingsError(f"{PREFIX}DATABASE_URL cannot be used; it looks like {DATABASE_URL}")
        if self.needs_store and not self.redis_url:
            raise SettingsError(
                f"{PREFIX}REDIS_URL is not set, and cache {self.cache} with sessions {self.sessions} needs a store; "
                f"it looks like {REDIS_URL}"
            )
        if self.redis_url and not _is_url_of_a_store(self.redis_url):
            raise SettingsError(f"{PREFIX}REDIS_URL cannot be used; it looks like {REDIS_URL}")
        if self.sessions == "filesystem" and not self.session_directory:
            raise SettingsError(f"{PREFIX}SESSION_DIRECTORY is not set; sessions is filesystem, and needs a folder")

    @property
    def profile(self) -> str:
        """The name of the pool profile in force: as set, or found from the database's host name."""
        return pool_profiles.detect(self.database_url) if self.pool_profile == "auto" else self.pool_profile

    def with_profile(self) -> "Settings":
        """These settings with every figure that the profile decides filled in."""
        values = asdict(pool_profiles.PROFILES[self.profile])
        return replace(self, **{name: value for name, value in values.items() if getattr(self, name) is None})

    def connections_allowed(self) -> int:
        """The connections that all workers together may open."""
        if self.pool == "none":
            return self.workers * (self.worker_connections if self.server == "gevent" else self.threads)
        full = self.with_profile()
        return self.workers * (full.pool_size + full.pool_max_overflow)

    @classmethod
    def from_env(cls, prefix: str = PREFIX, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from the environment; a field that is not set keeps its default.

        Raises `SettingsError` for a value that cannot be read, or a missing one that has no default.
        """
        kinds = _kinds(cls)
        given = {name: environ[prefix + name.upper()] for name in kinds if prefix + name.upper() in environ}
        for name in SECRET:
            if not given.get(name):
                raise SettingsError(f"{prefix}{name.upper()} is not set; TraceTrack cannot start without it")
        return cls(**{name: _parse(name, kinds[name], text) for name, text in given.items()})

    def to_env(self, prefix: str = PREFIX) -> dict[str, str]:
        """The environment that `from_env` reads back as this deployment."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {prefix + name.upper(): str(value) for name, value in values.items() if value is not None}

    def public(self) -> dict:
        """The fields as a record may keep them, the profile's filled in: no key, password or folder of this machine."""
        shown = asdict(self.with_profile())
        shown.update(database_url=redacted(self.database_url), pool_profile=self.profile)
        for name in ("secret_key", "redis_url", "store_prefix", "session_directory", "readings_file"):
            del shown[name]
        return shown


def redacted(url: str) -> str:
    """The URL with its password replaced by `***`, query parameters dropped (they may carry one too)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    if not parts.netloc:
        return "***"
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"{user.split(':')[0]}:***@{host}" if at else host
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def _is_guessed(secret_key):
    """Whether a key is short, plain, or of nothing but the words of placeholders, however they are put together."""
    key = secret_key.strip().lower()
    letters = re.sub(r"[\W\d_]", "", key)
    return (
        key in DEFAULT_KEYS
        or len(key) < SHORTEST_KEY
        or len(set(key)) < FEWEST_CHARACTERS
        or re.fullmatch(f"(?:{'|'.join(WORDS_OF_DEFAULTS)})+", letters) is not None
    )


def _is_url_of_a_store(url):
    """Whether a connection can be made of it, host or no host: its options are read only then."""
    try:
        ConnectionPool.from_url(url).make_connection()
    except (ValueError, TypeError, RedisError):
        return False
    return True


def _is_url_of_a_database(url):
    try:
        parsed = make_url(url)
        parse_dsn(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
    except (ArgumentError, ValueError, psycopg2.Error):
        return False
    return parsed.get_backend_name() in ("postgresql", "postgres")


def _kinds(cls):
    """The type of each field; of one that may be None, the type it has otherwise."""
    kinds = get_type_hints(cls)
    return {name: get_args(kind)[0] if get_origin(kind) is UnionType else kind for name, kind in kinds.items()}


def _parse(name, kind, text):
    if kind is bool:
        if text.strip().lower() not in TRUE + FALSE:
            raise SettingsError(f"{name} is {text!r}; it takes true or false")
        return text.strip().lower() in TRUE
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise SettingsError(f"{name} is {text!r}; it takes a number") from None
    return text


def _check(name, kind, value):
    if value is None:
        return
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise SettingsError(f"{name} is {value!r}; it takes one of {', '.join(get_args(kind))}")
    if kind in (int, float) and not 0 <= value < float("inf"):
        raise SettingsError(f"{name} is {value}; it takes a number of at least 0")
    if name in AT_LEAST_ONE and value < 1:
        raise SettingsError(f"{name} is {value}; it takes a number of at least 1")

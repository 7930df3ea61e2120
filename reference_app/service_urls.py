"""URLs of the services that the application uses: whether they can be used, and how they may be shown."""

from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2.extensions import parse_dsn
from redis import ConnectionPool, RedisError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

DATABASE_EXAMPLE = "postgresql://user:password@host:5432/database"
STORE_EXAMPLE = "redis://:password@host:6379/0"
MONITOR_EXAMPLE = "https://monitor.example.com"
UPSTREAM_EXAMPLE = "https://carrier.example.com/v1"


def is_database_url(url: str) -> bool:
    """True if libpq accepts the URL and it names a PostgreSQL."""
    try:
        parsed = make_url(url)
        parse_dsn(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
    except (ArgumentError, ValueError, psycopg2.Error):
        return False
    return parsed.get_backend_name() in ("postgresql", "postgres")


def is_store_url(url: str) -> bool:
    """True if a connection can be created from the URL, though not opened: its options are read only then."""
    try:
        ConnectionPool.from_url(url).make_connection()
    except (ValueError, TypeError, RedisError):
        return False
    return True


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


def is_monitor_url(url: str) -> bool:
    """True for no URL, and for one of HTTP that names nothing but a host and a port."""
    return is_upstream_url(url) and urlsplit(url).path in ("", "/")


def is_upstream_url(url: str) -> bool:
    """True for no URL, and for one of HTTP that names nothing but a host, a port and a path.

    One with a password is refused, as messages about its service would show it.
    """
    try:
        parts = urlsplit(url)
        return not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
                           and not (parts.username or parts.query or parts.fragment))  # fmt: skip
    except ValueError:
        return False

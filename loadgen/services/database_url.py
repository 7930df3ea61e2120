"""The URL of your database server, in one form for psycopg2, SQLAlchemy and the proxy, however `DATABASE_URL` says it.

libpq takes hosts and ports from the URL, its query, a service file, or its defaults, and of several servers the first
that answers. The one that answered is the server of the whole experiment.
"""

from collections.abc import Mapping

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn
from sqlalchemy import URL, make_url

from workbench.errors import UserError

EXAMPLE = "postgresql://user:password@host:5432/database"
# What chooses a server: it has no meaning any more once the server is known.
CHOICE = ("host", "hostaddr", "port", "target_session_attrs", "load_balance_hosts")
PARTS = ("user", "password", "dbname")  # those that have a place of their own in a URL

Address = tuple[str, int] | str  # host and port, or the path of a Unix socket


def parse(text: str) -> dict[str, str]:
    """The connection parameters of a URL, as libpq reads them. Raises `UserError` without any part of the URL."""
    scheme, _, rest = text.partition("://")
    try:
        if scheme.split("+")[0] not in ("postgresql", "postgres"):
            raise psycopg2.ProgrammingError
        parsed = parse_dsn(f"postgresql://{rest}")
        if not all(port.isdecimal() for port in parsed.get("port", "").split(",") if port):
            raise psycopg2.ProgrammingError
    except psycopg2.Error:
        raise UserError(f"DATABASE_URL is not a URL of PostgreSQL; it looks like {EXAMPLE}") from None
    if "dbname" not in parsed:
        raise UserError(f"DATABASE_URL must name a database; it looks like {EXAMPLE}")
    return parsed


def url_of(given: Mapping[str, str], connection: Connection) -> str:
    """The URL of the server behind an open connection that was made with these parameters, password included."""
    host, port = connection.info.host, connection.info.port
    query = {name: value for name, value in given.items() if name not in CHOICE + PARTS}
    if host.startswith(("/", "@")):
        query |= {"host": host, "port": str(port)}
    elif "hostaddr" in given and "," not in given["hostaddr"]:
        query |= {"hostaddr": given["hostaddr"]}
    url = URL.create(
        "postgresql",
        given.get("user"),
        connection.info.password or None,
        host if "host" not in query else None,
        port if "host" not in query else None,
        given["dbname"],
        query,
    )
    return url.render_as_string(hide_password=False)


def parameters(url: str) -> dict[str, str]:
    """The connection parameters of a URL from `url_of`: libpq would not read SQLAlchemy's `+` in a query as a space."""
    parsed = make_url(url)
    named = {"host": parsed.host, "port": parsed.port, "user": parsed.username, "password": parsed.password}
    named["dbname"] = parsed.database
    return {name: str(value) for name, value in [*named.items(), *parsed.query.items()] if value is not None}


def address(url: str) -> Address:
    """Where the server of a URL from `url_of` listens."""
    parsed = make_url(url)
    if parsed.host:
        return str(parsed.query.get("hostaddr", parsed.host)), parsed.port or 5432
    return f"{parsed.query['host']}/.s.PGSQL.{parsed.query['port']}"


def through(url: str, proxy: tuple[str, int], host: str = "") -> str:
    """The URL for an application that reaches the server through a proxy: the server's own `host`, unless given.

    With the name of the server's host its certificate stays valid; the address beside it is the proxy's.
    """
    parsed = make_url(url)
    query = {name: value for name, value in parsed.query.items() if name not in CHOICE}
    if not parsed.host:
        query["sslmode"] = "disable"  # which libpq never uses over a Unix socket, and would try through the proxy
    target = parsed.set(host=host or parsed.host or proxy[0], port=proxy[1], query={**query, "hostaddr": proxy[0]})
    return target.render_as_string(hide_password=False)

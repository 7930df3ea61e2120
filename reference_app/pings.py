"""Pre-pings of pooled connections: counted as round trips, and left out where a connection was just used."""

import time
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from instrumentation import server_timing


def count(engine: Engine) -> None:
    """Count a pre-ping as a round trip of the request that waits for it."""
    dialect: Any = engine.dialect
    ping = dialect.do_ping

    def counted_ping(connection: DBAPIConnection) -> bool:
        server_timing.current().round_trips += 1
        return ping(connection)

    dialect.do_ping = counted_ping


def skip_recent(engine: Engine, idle_s: float) -> None:
    """Skip the pre-ping of connections that were used less than `idle_s` ago.

    Source: HikariCP's `aliveBypassWindowMs`.
    """
    used_s: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
    dialect: Any = engine.dialect
    ping = dialect.do_ping

    def checked_in(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        if connection is not None:
            used_s[_referable(connection)] = time.monotonic()

    def ping_if_idle(connection: DBAPIConnection) -> bool:
        return time.monotonic() - used_s.get(_referable(connection), 0.0) < idle_s or ping(connection)

    event.listen(engine, "checkin", checked_in)
    dialect.do_ping = ping_if_idle


def _referable(connection: Any) -> Any:
    """The connection, or the driver's own within SQLAlchemy's adapter, which knows no weak references."""
    return getattr(connection, "driver_connection", connection)

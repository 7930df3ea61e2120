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


class RecentUse:
    """Skips the pre-ping of connections that were used a short time ago. Source: HikariCP's `aliveBypassWindowMs`."""

    def __init__(self, engine: Engine, idle_s: float):
        """`idle_s` is that time in seconds; 0 leaves no pre-ping out."""
        self._idle_s = idle_s
        self._used_s: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._distrusted_s = 0.0
        if idle_s:
            dialect: Any = engine.dialect
            self._ping_by_driver = dialect.do_ping
            dialect.do_ping = self._ping_if_idle
            event.listen(engine, "checkin", self._checked_in)

    def distrust(self) -> None:
        """Leave no pre-ping out of connections that were last used before now: one of them was lost."""
        self._distrusted_s = time.monotonic()

    def _checked_in(self, connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        if connection is not None:
            self._used_s[_referable(connection)] = time.monotonic()

    def _ping_if_idle(self, connection: DBAPIConnection) -> bool:
        used_s = self._used_s.get(_referable(connection), 0.0)
        is_trusted = used_s > self._distrusted_s and time.monotonic() - used_s < self._idle_s
        return is_trusted or self._ping_by_driver(connection)


def _referable(connection: Any) -> Any:
    """The connection, or the driver's own within SQLAlchemy's adapter, which knows no weak references."""
    return getattr(connection, "driver_connection", connection)

"""Whether the pools of all workers fit into the server: reckoned at the start, not found out under load."""

from contextlib import closing
from dataclasses import dataclass

import psycopg2

from .database import database_url
from .settings import Settings

LIMITS = """
    SELECT current_setting('max_connections')::int,
           current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true), '0')::int
"""


class BudgetError(RuntimeError):
    """The deployment could open more connections than its server allows."""


@dataclass(frozen=True)
class Budget:
    """What the deployment may open, and what the server allows."""

    settings: Settings
    max_connections: int
    reserved: int

    @property
    def available(self) -> int:
        return self.max_connections - self.reserved

    def fits(self) -> bool:
        return self.settings.connections_allowed() <= self.available

    def sum(self) -> str:
        """The reckoning, written out."""
        s, needed = self.settings.with_profile(), self.settings.connections_allowed()
        of_each = f"({s.pool_size} + {s.pool_max_overflow})" if s.pool == "queue" else f"{needed // s.workers} unpooled"
        return (
            f"{_workers(s.workers)} × {of_each} = {needed} connections, and the server has "
            f"{self.max_connections} - {self.reserved} reserved = {self.available}"
        )

    def advice(self) -> str:
        """What would fit."""
        largest = self.available // self.settings.workers
        enough = f"the server's max_connections to {self.settings.connections_allowed() + self.reserved}"
        if not largest:
            return f"set TRACETRACK_WORKERS to at most {self.available}, or {enough}"
        if self.settings.pool == "queue":
            return f"set TRACETRACK_POOL_SIZE={largest} and TRACETRACK_POOL_MAX_OVERFLOW=0, or {enough}"
        field = "WORKER_CONNECTIONS" if self.settings.server == "gevent" else "THREADS"
        return f"set TRACETRACK_{field}={largest}, or {enough}"


def read(settings: Settings) -> Budget:
    """Ask the server. Raises `psycopg2.OperationalError` if it does not answer."""
    url = database_url(settings).set(drivername="postgresql").render_as_string(hide_password=False)
    with (
        closing(psycopg2.connect(url, connect_timeout=settings.connect_timeout_s)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(LIMITS)
        return Budget(settings, *cursor.fetchone())


def require(settings: Settings) -> None:
    """Raise `BudgetError`, with the sum and what would fit, if the deployment does not fit its server."""
    budget = read(settings)
    if not budget.fits():
        raise BudgetError(f"{budget.sum()}; {budget.advice()}")


def _workers(count):
    return f"{count} worker{'s' if count != 1 else ''}"

"""Checks at the start that the server allows as many connections as the pools of all workers may open."""

from contextlib import closing
from dataclasses import dataclass

import psycopg2

from .engine import database_url
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
    """Connections that the deployment may open (by its settings), and that the server allows."""

    settings: Settings
    max_connections: int
    reserved: int

    @property
    def available(self) -> int:
        """The connections that the server allows the application."""
        return self.max_connections - self.reserved

    def fits(self) -> bool:
        """True if the server allows what the deployment may open."""
        return self.settings.connections_allowed() <= self.available

    def calculation(self) -> str:
        """The sum, written out."""
        settings, needed = self.settings, self.settings.connections_allowed()
        workers = f"{settings.workers} worker{'s' if settings.workers != 1 else ''}"
        pool = settings.pool_in_force()
        each = f"({pool.pool_size} + {pool.pool_max_overflow})"
        if settings.pool == "none":
            each = f"{needed // settings.workers} unpooled"
        return (
            f"{workers} × {each} = {needed} connections, and the server has "
            f"{self.max_connections} - {self.reserved} reserved = {self.available}"
        )

    def advice(self) -> str:
        """The settings that would fit."""
        largest = self.available // self.settings.workers
        enough = f"the server's max_connections to {self.settings.connections_allowed() + self.reserved}"
        if not largest:
            return f"set TRACETRACK_WORKERS to at most {self.available}, or {enough}"
        if self.settings.pool != "none":
            return f"set TRACETRACK_POOL_SIZE={largest} and TRACETRACK_POOL_MAX_OVERFLOW=0, or {enough}"
        field = "WORKER_CONNECTIONS" if self.settings.serves_by_loop else "THREADS"
        return f"set TRACETRACK_{field}={largest}, or {enough}"


def read_budget(settings: Settings) -> Budget:
    """Query the server's limits. Raises `psycopg2.OperationalError` if it does not answer."""
    url = database_url(settings).set(drivername="postgresql").render_as_string(hide_password=False)
    with (
        closing(psycopg2.connect(url, connect_timeout=settings.connect_timeout_s)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(LIMITS)
        ((max_connections, reserved),) = cursor.fetchall()
        return Budget(settings, max_connections, reserved)


def require_budget(settings: Settings) -> None:
    """Raise `BudgetError`, with the sum and what would fit, if the deployment does not fit its server."""
    budget = read_budget(settings)
    if not budget.fits():
        raise BudgetError(f"{budget.calculation()}; {budget.advice()}")

"""The drivers of PostgreSQL: what differs between psycopg2 and psycopg 3 in this application."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from .settings import Settings


@dataclass(frozen=True)
class Driver:
    """One driver.

    dialect: the name by which SQLAlchemy finds it
    error: the base class of its exceptions
    is_idle: True for a connection that has no open transaction
    """

    dialect: str
    error: type[Exception]
    is_idle: Callable[[Any], bool]


def _psycopg2_is_idle(connection: Any) -> bool:
    return connection.get_transaction_status() == TRANSACTION_STATUS_IDLE


def _psycopg3_is_idle(connection: Any) -> bool:
    return connection.info.transaction_status == TRANSACTION_STATUS_IDLE  # libpq's number, the same in both


def of_settings(settings: Settings) -> Driver:
    """The driver of a deployment."""
    if settings.driver == "psycopg2":
        return Driver("postgresql+psycopg2", psycopg2.Error, _psycopg2_is_idle)
    import psycopg  # other deployments need not wait for its import

    return Driver("postgresql+psycopg", psycopg.Error, _psycopg3_is_idle)


def sqlstate(error: Any) -> str | None:
    """PostgreSQL's code of a driver's error; None for one that the server did not send."""
    return error.pgcode if isinstance(error, psycopg2.Error) else error.sqlstate

"""Timing of an engine that an application has created already, with any pool and driver, synchronous or not."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import Pool, PoolProxiedConnection

from . import server_timing
from .request_recorder import RequestRecorder
from .timed_pool import PoolStatistics, TimedPool
from .worker_metrics import Slot


class BookedPool(TimedPool):
    """A timed pool that books getting a connection as `pool`, as its application does not do so itself."""

    def connect(self) -> PoolProxiedConnection:
        with server_timing.part("pool"):
            return super().connect()


def adopt(engine: Any, slot: Slot, recorder: RequestRecorder) -> PoolStatistics:
    """Time the pool and the statements of an engine, or of an `AsyncEngine`; call it before its first use.

    Statements and COMMIT are booked as `db`, getting a connection and ROLLBACK, which ends each use, as `pool`. A
    BEGIN that the driver sends by itself is no round trip of its own here. Raises `TypeError` for what is no engine,
    and `ValueError` for one that is timed already.
    """
    engine = getattr(engine, "sync_engine", engine)
    if not isinstance(engine, Engine):
        raise TypeError(f"engine is {type(engine).__name__}, and must be an engine of SQLAlchemy: create_engine(…)")
    if isinstance(engine.pool, TimedPool):
        raise ValueError("the engine is instrumented already; give each application an engine of its own")
    _make_timed(engine.pool)
    statistics = PoolStatistics(slot)
    statistics.watch(engine)
    recorder.watch(engine)
    _book_statements(engine)
    return statistics


def _make_timed(pool: Pool) -> None:
    """Make a pool a timed one by its class; pools that replace it are created with the same class."""
    kind = type(pool)
    pool.__class__ = type(f"Timed{kind.__name__}", (BookedPool, kind), {})


def _book_statements(engine: Engine) -> None:
    dialect: Any = engine.dialect
    for name in ("do_execute", "do_execute_no_params", "do_executemany"):
        setattr(dialect, name, _booked(getattr(dialect, name), "db", is_statement=True))
    dialect.do_commit = _booked(dialect.do_commit, "db")
    dialect.do_rollback = _booked(dialect.do_rollback, "pool")
    dialect.do_ping = _booked(dialect.do_ping, "pool")


def _booked(call: Callable[..., Any], part: str, *, is_statement: bool = False) -> Callable[..., Any]:
    def booked(*arguments: Any, **options: Any) -> Any:
        timing = server_timing.current()
        timing.round_trips += 1
        timing.db_calls += is_statement
        with server_timing.part(part):
            try:
                return call(*arguments, **options)
            except BaseException:
                timing.failed_calls += is_statement
                raise

    return booked

"""The faults of a run: their timetable over what the run consists of, and what they leave behind."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2

from workbench.errors import UserError
from workbench.faults import KEY
from workbench.polling import attempts

from . import record_writer
from .collectors.collector import Collector
from .fault_injection.freezer import Freezer, freezer
from .fault_injection.injector import FaultTarget
from .fault_injection.injectors import INJECTORS
from .fault_injection.timetable import Timetable
from .fault_needs.fault_setup import FaultSetup
from .locust_runner import Generator
from .proxy import Proxy
from .route_processes import Route
from .run_parts import RunParts
from .services import DatabaseServer

SESSIONS = """
    SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%%')
    FROM pg_stat_activity WHERE datname = %s AND application_name = 'tracetrack' AND backend_type = 'client backend'
"""
CONNECTIONS = "connections"  # in the record of a run
SETTLE_S, LOOK_S = 2.0, 0.1  # for what is not leaked to end, and between two looks


@contextmanager
def freezing(parts: RunParts) -> Iterator[Freezer | None]:
    """The process that makes others stand still, where a fault needs it; started before any thread."""
    if not any(INJECTORS[fault.name].needs_freezer for fault in parts.scenario.faults):
        yield None
        return
    with freezer(parts.directory / "freezer.log") as started:
        yield started


@contextmanager
def timetable(
    parts: RunParts,
    generator: Generator,
    route: Route,
    collector: Collector,
    freezing_process: Freezer | None,
) -> Iterator[Timetable]:
    """The timetable of the scenario's faults for the block; what is in force at its end is undone."""
    proxy = route.get("proxy")
    target = FaultTarget(
        server=parts.database.server,
        database=parts.database.name,
        environment=parts.environment,
        generator=generator,
        directory=parts.directory,
        server_proxy=proxy if isinstance(proxy, Proxy) else None,
        store_proxy=parts.environment.store_proxy,
        freezer=freezing_process,
        paused_readings=collector.paused,
        note_database=partial(collector.replace_root, "database"),
    )
    planned = parts.scenario.faults
    injectors = [INJECTORS[fault.name](target) for fault in planned]
    with Timetable(planned, injectors, parts.directory, generator.started_ns, partial(_note, parts)) as carried_out:
        yield carried_out


def _note(parts: RunParts, faults: list[dict[str, Any]]) -> None:
    """Record what happened so far: a run may not come to its ordinary end."""
    if not faults:
        return
    parts.record[KEY] = faults
    with suppress(OSError):  # the fault may be a full disk
        record_writer.write(parts.directory, parts.record)


def fault_was_made(record: Mapping[str, Any]) -> bool:
    """Whether a fault of a run was made by now."""
    return any(fault["begin_us"] is not None for fault in record.get(KEY) or ())


def record_connections_of_ended(parts: RunParts) -> None:
    """Record the sessions of the application when a fault has ended the load; nothing where the load ended otherwise.

    Call it before the application is stopped. Requests that were in flight get time to end: what is leaked stays.
    """
    if not (FaultSetup.of(parts.scenario.faults).ends_run and fault_was_made(parts.record)):
        return
    for _ in attempts(SETTLE_S, LOOK_S):
        record_connections(parts)
        if parts.record[CONNECTIONS]["idle_in_transaction"] == 0:
            return


def record_connections(parts: RunParts) -> None:
    """Record the sessions of the application at the end of a load with faults."""
    if parts.scenario.faults:
        open_now = _connections(parts.database.server, parts.database.name)
        total, in_transaction = open_now or (None, None)
        parts.record[CONNECTIONS] = {
            "allowed": parts.environment.settings.connections_allowed(),
            "after_load": total,
            "idle_in_transaction": in_transaction,
            "after_stop": None,
        }


def record_connections_left(parts: RunParts) -> None:
    """Record the sessions that the application has left at the server, now that it has ended.

    The server gets time to notice that a client has gone. Without a count at the end of the load there is none here.
    """
    if CONNECTIONS not in parts.record:
        return
    for _ in attempts(SETTLE_S, LOOK_S):
        left = _connections(parts.database.server, parts.database.name)
        parts.record[CONNECTIONS]["after_stop"] = left and left[0]
        if not (left and left[0]):
            return


def _connections(server: DatabaseServer, database: str) -> tuple[int, int] | None:
    """The numbers of the application's sessions: all, and idle in a transaction; None if the server does not answer."""
    try:
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(SESSIONS, (database,))
            ((total, in_transaction),) = cursor.fetchall()
    except (UserError, psycopg2.Error):
        return None
    return total, in_transaction


def ended_by_fault(directory: Path) -> dict[str, Any] | None:
    """The record of a run that ended early, if a fault of its timetable had begun by then."""
    with suppress(OSError, ValueError):
        record: dict[str, Any] = json.loads((directory / "run.json").read_text())
        if fault_was_made(record):
            return record
    return None


def problem(record: Mapping[str, Any]) -> str:
    """A message on a run that is not valid, or was ended by its fault; empty for a valid run."""
    if record["valid"]:
        return ""
    if record["status"] != "complete" and record.get(KEY):
        reason = next(iter(record["reasons"]), "its record could not be completed")
        return f"was ended by its fault: {reason}"
    return f"is not valid: {'; '.join(record['reasons'])}"

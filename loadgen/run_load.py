"""The load of a run: start the system under test, release the users, watch both, and take the readings."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from workbench.faults import DATABASE, KINDS

from . import (
    application,
    compaction,
    earlier_plans,
    monitor_reader,
    route_processes,
    run_faults,
    run_health,
    statement_executions,
    statement_explainer,
    witnesses,
)
from .app_environment import WorkerCounts
from .application import Application, StartingApplication
from .collectors.collector import Collector
from .collectors.database_reader import TopStatement
from .collectors.resource_reader import resource_sources
from .fault_injection.timetable import Timetable
from .locust_runner import Generator
from .memory.memory_limit import MemoryLimit, OutOfMemoryAtStart
from .route_processes import Route
from .run_parts import RunParts
from .run_stages import LOAD
from .services import DatabaseServer
from .subprocesses import deferred_signals


def drive(parts: RunParts, generator: Generator, route: Route) -> None:
    """Start the application, release the users, wait for the end of the load, and complete the record."""
    record, environment, server = parts.record, parts.environment, parts.database.server
    store = environment.store
    record["store"] = store and store.version
    with ExitStack() as stack:
        starting = stack.enter_context(parts.starting_application())
        collector = stack.enter_context(
            Collector(server, parts.database.name, parts.directory, generator.started_ns, environment.metrics)
        )
        # They end before the collector: their backends report their last figures when they end.
        for between in route.values():
            stack.enter_context(between.child)
        stack.enter_context(starting.child)
        freezer = stack.enter_context(run_faults.freezing(parts))
        served = _complete_start(parts, starting)
        if served is None:
            return
        record["health"] = served.health
        before, monitored_before = environment.counted(), environment.monitored()
        parts.database.require_quiet_server()
        # A server of the user's may run on this machine, and its CPU time is not that of others.
        is_whole = server.pid is not None and (store is None or store.pid is not None)
        roots = {"server": served.child.pid, **_roots(parts, generator, route)}
        resources = resource_sources(environment, parts.log)
        collector.begin(roots, is_whole=is_whole, group=starting.memory.group, resources=resources)
        parts.stages.begin(LOAD)
        with run_faults.timetable(parts, generator, route, collector, freezer) as faults:
            check = partial(_advance, faults, served, route, server, collector, starting.memory)
            _send(parts, generator, check, before)
        counts = _take_last_readings(parts, route, collector, before, starting.memory)
        if monitored_before:
            record["monitor"] = monitor_reader.difference(monitored_before, environment.monitored())
        parts.begin_stopping()
        if counts and counts["requests"] == counts["responses"]:
            served.child.kill()  # it is idle, and gunicorn takes up to three seconds to stop
        compaction.compact(parts.directory)
    run_faults.record_connections_left(parts)
    _record_plans(parts, collector.top_statements)


def _roots(parts: RunParts, generator: Generator, route: Route) -> dict[str, int | None]:
    """The first processes beside the application's, by role; None for one that may be on another machine."""
    store = parts.environment.store
    own = {"database": parts.database.server.pid, "store": store.pid if store else None}
    return {**own, **generator.roles(), **route_processes.pids(route)}


def _advance(
    faults: Timetable,
    served: Application,
    route: Route,
    server: DatabaseServer,
    collector: Collector,
    memory: MemoryLimit,
) -> None:
    """Begin and end the faults that are due, and look whether all else is still there."""
    faults.advance()
    is_away = faults.concerns(DATABASE)
    run_health.check(served.child, route, server, collector, memory, database_may_be_away=is_away)


def _send(parts: RunParts, generator: Generator, check: Callable[[], None], before: WorkerCounts) -> None:
    """Release the users and wait for the end of the load; count what was served, also if it ends early."""
    try:
        generator.release_users()
        generator.wait(check)
    except BaseException:
        with deferred_signals():
            generator.stop()
            run_faults.record_connections_of_ended(parts)
        raise
    finally:
        counts = witnesses.counts_between(before, parts.environment.counted())
        parts.record["served"] = counts and counts["requests"]


def _record_plans(parts: RunParts, statements: Sequence[TopStatement]) -> None:
    """Record the plans of the statements with the most time, now that the application has ended."""
    parts.stages.begin("plans")
    database, record = parts.database, parts.record
    executions = statement_executions.slowest(parts.environment.statement_samples)
    earlier = earlier_plans.of_run(parts.directory, record["deployment"]["name"], record["scenario"]["name"])
    statement_explainer.record_plans(database.server, database.name, statements, parts.directory, executions, earlier)


def _take_last_readings(
    parts: RunParts, route: Route, collector: Collector, before: WorkerCounts, memory: MemoryLimit
) -> dict[str, int] | None:
    """Record what a load that is over has left behind; returns what the workers counted during it."""
    parts.stages.begin("readings")
    parts.database.server.require_alive()
    parts.record.update(route_processes.readings(route))
    run_faults.record_connections(parts)
    counts = _complete_record(parts, collector, before)
    parts.record_memory(memory, collector.kills(), collector.peak_pss_bytes())
    return counts


def _complete_record(parts: RunParts, collector: Collector, before: WorkerCounts) -> dict[str, int] | None:
    """Take the last readings of a load that is over, and record what the witnesses counted.

    Returns what the workers counted during the load; None where a worker was replaced.
    """
    record, environment = parts.record, parts.environment
    collector.finish()
    record["counters"] = environment.counters()
    application_counts = witnesses.counts_between(before, environment.counted())
    record["served"] = application_counts and application_counts["requests"]
    # A fault may add statements of its own to the server's count, or end what it counts.
    is_counted = not any(KINDS[fault.name].concerns == DATABASE for fault in parts.scenario.faults)
    record["witnesses"] = witnesses.record(application_counts, collector.statements if is_counted else None)
    record["database_lost"] = collector.disconnections
    record["readings"] = collector.cost()
    record["busiest_others"] = collector.busiest_others()
    return application_counts


def start_only(parts: RunParts) -> None:
    """Start the application without any load; whether it starts is the outcome of the run."""
    with parts.starting_application() as starting:
        try:
            served = _complete_start(parts, starting)
        except application.StartError as error:
            parts.record["outcome"] = {"started": False, "message": error.reason}
            return
        if served is None:
            return
        parts.record["outcome"] = {"started": True, "message": ""}
        parts.record["health"] = served.health


def _complete_start(parts: RunParts, starting: StartingApplication) -> Application | None:
    """Complete the start; an application without enough memory for it is the outcome of the run, and gets no load."""
    try:
        return starting.complete()
    except OutOfMemoryAtStart as error:
        parts.record["outcome"] = {"started": False, "message": error.message}
        parts.record_memory(starting.memory, (), None)
        return None

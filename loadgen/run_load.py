"""The load of a run: start the system under test, release the users, watch both, and take the readings."""

from collections.abc import Sequence
from contextlib import ExitStack

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
from .locust_runner import Generator
from .memory.memory_limit import OutOfMemoryAtStart
from .route_processes import Route
from .run_parts import RunParts
from .run_stages import LOAD
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
        roles = {"server": served.child.pid, "database": server.pid, **generator.roles()}
        # A server of the user's may run on this machine, and its CPU time is not that of others.
        is_whole = server.pid is not None and (store is None or store.pid is not None)
        roots = {**roles, "store": store.pid if store else None, **route_processes.pids(route)}
        resources = resource_sources(environment, parts.log)
        collector.begin(roots, is_whole=is_whole, group=starting.memory.group, resources=resources)
        parts.stages.begin(LOAD)
        generator.release_users()
        with run_faults.timetable(parts, generator, route, collector, freezer) as faults:

            def check() -> None:
                faults.advance()
                is_away = faults.concerns(DATABASE)
                run_health.check(served.child, route, server, collector, starting.memory, database_may_be_away=is_away)

            try:
                generator.wait(check)
            except BaseException:
                with deferred_signals():
                    generator.stop()
                raise
            finally:
                counts = witnesses.counts_between(before, environment.counted())
                record["served"] = counts and counts["requests"]
        parts.stages.begin("readings")
        server.require_alive()
        record |= route_processes.readings(route)
        run_faults.record_connections(parts)
        counts = _complete_record(parts, collector, before)
        if monitored_before:
            record["monitor"] = monitor_reader.difference(monitored_before, environment.monitored())
        parts.record_memory(starting.memory, collector.kills(), collector.peak_pss_bytes())
        parts.begin_stopping()
        if counts and counts["requests"] == counts["responses"]:
            served.child.kill()  # it is idle, and gunicorn takes up to three seconds to stop
        compaction.compact(parts.directory)
    run_faults.record_connections_left(parts)
    _record_plans(parts, collector.top_statements)


def _record_plans(parts: RunParts, statements: Sequence[TopStatement]) -> None:
    """Record the plans of the statements with the most time, now that the application has ended."""
    parts.stages.begin("plans")
    database, record = parts.database, parts.record
    executions = statement_executions.slowest(parts.environment.statement_samples)
    earlier = earlier_plans.of_run(parts.directory, record["deployment"]["name"], record["scenario"]["name"])
    statement_explainer.record_plans(database.server, database.name, statements, parts.directory, executions, earlier)


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

"""One run: start the system under test and the load generator, measure, record, and stop all of it."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from reference_app.settings import Settings

from . import (
    app_environment,
    application,
    compaction,
    dataset,
    deployments,
    earlier_plans,
    locust_runner,
    monitor_reader,
    record_writer,
    route_processes,
    run_folder,
    run_health,
    services,
    statement_executions,
    statement_explainer,
    witnesses,
    write_audit,
)
from .app_environment import AppEnvironment, WorkerCounts
from .application import Application, StartingApplication
from .checkout import Codes
from .collectors.collector import Collector
from .collectors.database_reader import TopStatement
from .fork_client import ForkServer
from .locust_runner import Generator, Load
from .memory import memory_outcome
from .memory.memory_limit import OutOfMemoryAtStart
from .route_processes import Route
from .run_database import RunDatabases
from .run_parts import RunParts
from .run_spec import RunSpec
from .run_stages import LOAD, RunStages
from .scenarios import Scenario
from .services import DatabaseServer
from .stop_request import StoppedByHand
from .subprocesses import deferred_signals

CLONE_BYTES = 1 * 2**30


def execute(
    databases: RunDatabases,
    spec: RunSpec,
    directory: Path,
    forks: ForkServer | None = None,
    following: RunSpec | None = None,
    codes: Codes | None = None,
) -> dict:
    """Carry out one run, leave its files in `directory`, and return the content of `run.json`.

    The load generator is forked from `forks`, or started anew. The server begins to clone the database of the
    `following` run when the load is over. An error or a signal leaves the rows up to then, and the status "aborted".
    `codes` has the code of each arm; without it all runs have the workbench's own.
    """
    codes = codes or Codes()
    code, settings = codes.of(spec), _settings(spec)
    stages, server, scenario = RunStages("record"), databases.server, spec.load()
    template = databases.template(spec.scale, settings.indexes, code.schema)
    deployment = _deployment(spec, settings) | codes.source(spec)
    directory.mkdir(parents=True)
    services.require_free_space(directory, CLONE_BYTES)
    databases.begin_cloning(directory.name, template.name)
    port = spec.port or services.free_port()
    with (
        recorded(directory, spec, scenario, deployment, server) as record,
        databases.clone(directory.name, template.name, settings, code) as database,
        _generator(spec, scenario, directory, port, settings.run_token, forks) as generator,
        app_environment.database_route(server, database.name, settings, directory) as (url, route),
    ):
        settings = replace(settings, database_url=url)
        record["stages_s"] = stages.seconds
        record["dataset"] |= {"counts": template.counts, "fingerprint": dataset.fingerprint(spec.scale, code.schema)}
        record["deployment"]["settings"] = settings.public()
        with app_environment.set_up(settings, directory, code.counters, scenario.upstream_ms) as environment:
            sql = scenario.sql_before
            parts = RunParts(database, environment, port, record, stages, directory, following, sql, codes, code)
            _carry_out(parts, generator, route)
        _audit_rows(parts)
    return record


def _carry_out(parts: RunParts, generator: Generator | None, route: Route) -> None:
    if upstream := parts.environment.upstream:
        route = {**route, "upstream": upstream}
    if generator is None:
        _start_only(parts)
    else:
        _drive(parts, generator, route)


def _settings(spec: RunSpec) -> Settings:
    # All users of a load come from one address, and would be throttled as one attacker.
    given = {"scale": spec.scale, "login_throttle": False, "run_token": secrets.token_urlsafe()}
    return deployments.settings_for(spec.deployment, **given)


def _deployment(spec: RunSpec, settings: Settings) -> dict:
    return {"name": spec.name, "description": deployments.describe(spec.deployment), "settings": settings.public()}


def _audit_rows(parts: RunParts) -> None:
    """Compare the rows of the run with its database, before that is dropped, and with what the kernel ended."""
    parts.stages.begin("audit")
    compaction.compact(parts.directory)
    requests = parts.directory / "requests.parquet"
    if writes := write_audit.check(parts.database.server, parts.database.name, requests):
        parts.record["writes"] = writes.record()
    if "memory" in parts.record:
        memory_outcome.add_load(parts.record["memory"], requests)
    parts.stages.begin("")


@contextmanager
def recorded(
    directory: Path, spec: RunSpec, scenario: Scenario, deployment: dict, server: DatabaseServer | None = None
) -> Iterator[dict]:
    """Yield the record of a run, for the block to complete; write it at both ends of the block, however that ends.

    A run that was stopped by hand ends the block, and no more than that.
    """
    record = record_writer.begin(directory, spec, scenario, deployment, server)
    reason = "unknown"
    try:
        yield record
        record["status"] = "complete"
    except StoppedByHand as error:
        reason, record["stopped_by_hand"] = error.message, True
    except OSError as error:
        reason = record_writer.interruption_reason(error)
        run_folder.require_present(directory)
        raise
    except BaseException as error:
        reason = record_writer.interruption_reason(error)
        raise
    finally:
        if directory.is_dir():
            with deferred_signals():
                record_writer.close(directory, record, scenario, reason)


def _generator(
    spec: RunSpec, scenario: Scenario, directory: Path, port: int, run_token: str, forks: ForkServer | None
) -> AbstractContextManager[Generator | None]:
    """The load generator, started in parallel with the application: both take long."""
    if scenario.kind == "start":
        return nullcontext()
    rows = dataset.find_scale(spec.scale).counts()
    load = Load(scenario, spec.seed, rows, spec.processes, run_token=run_token)
    return locust_runner.generator(load, application.url_of(port), directory, forks)


def _drive(parts: RunParts, generator: Generator, route: Route) -> None:
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
        collector.begin(roots, is_whole=is_whole, group=starting.memory.group)
        parts.stages.begin(LOAD)
        generator.release_users()
        generator.wait(lambda: run_health.check(served.child, route, server, collector, starting.memory))
        parts.stages.begin("readings")
        server.require_alive()
        record |= route_processes.readings(route)
        counts = _complete_record(record, environment, collector, before)
        if monitored_before:
            record["monitor"] = monitor_reader.difference(monitored_before, environment.monitored())
        parts.record_memory(starting.memory, collector.kills(), collector.peak_pss_bytes())
        parts.begin_stopping()
        if counts and counts["requests"] == counts["responses"]:
            served.child.kill()  # it is idle, and gunicorn takes up to three seconds to stop
        compaction.compact(parts.directory)
    _record_plans(parts, collector.top_statements)


def _record_plans(parts: RunParts, statements: Sequence[TopStatement]) -> None:
    """Record the plans of the statements with the most time, now that the application has ended."""
    parts.stages.begin("plans")
    database, record = parts.database, parts.record
    executions = statement_executions.slowest(parts.environment.statement_samples)
    earlier = earlier_plans.of_run(parts.directory, record["deployment"]["name"], record["scenario"]["name"])
    statement_explainer.record_plans(database.server, database.name, statements, parts.directory, executions, earlier)


def _complete_record(
    record: dict, environment: AppEnvironment, collector: Collector, before: WorkerCounts
) -> dict[str, int] | None:
    """Take the last readings of a load that is over, and record what the witnesses counted.

    Returns what the workers counted during the load; None where a worker was replaced.
    """
    collector.finish()
    record["counters"] = environment.counters()
    application_counts = witnesses.counts_between(before, environment.counted())
    record["served"] = application_counts and application_counts["requests"]
    record["witnesses"] = witnesses.record(application_counts, collector.statements)
    record["database_lost"] = collector.disconnections
    record["readings"] = collector.cost()
    record["busiest_others"] = collector.busiest_others()
    return application_counts


def _start_only(parts: RunParts) -> None:
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

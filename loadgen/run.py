"""One run: start the system under test and the load generator, measure, record, and stop all of it."""

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import psycopg2

from reference_app.settings import Settings
from workbench.errors import UserError

from . import (
    app_environment,
    application,
    compaction,
    dataset,
    deployments,
    disk_reserve,
    locust_runner,
    record_writer,
    run_faults,
    run_folder,
    run_load,
    services,
    write_audit,
)
from .checkout import Codes
from .fault_needs.fault_setup import RECORDING_DISK, FaultSetup
from .fork_client import ForkServer
from .locust_runner import Generator, Load
from .memory import memory_outcome
from .route_processes import Route
from .run_database import RunDatabases
from .run_parts import RunParts
from .run_spec import RunSpec
from .run_stages import RunStages
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
    `codes` has the code of each arm; without it all runs have the workbench's own. A run that its fault ends is no
    error.
    """
    try:
        return _execute(databases, spec, directory, forks, following, codes or Codes())
    except (UserError, OSError):
        ends_run = FaultSetup.of(spec.load().faults).ends_run
        if ends_run and (record := run_faults.ended_by_fault(directory)):
            return record
        raise


def _execute(
    databases: RunDatabases,
    spec: RunSpec,
    directory: Path,
    forks: ForkServer | None,
    following: RunSpec | None,
    codes: Codes,
) -> dict:
    code, settings = codes.of(spec), _settings(spec)
    stages, server, scenario = RunStages("record"), databases.server, spec.load()
    faults = FaultSetup.of(scenario.faults)
    forks = None if faults.needs(RECORDING_DISK) else forks  # the server of forks does not see that disk
    template = databases.template(spec.scale, settings.indexes, code.schema)
    deployment = _deployment(spec, settings) | codes.source(spec)
    directory.mkdir(parents=True)
    services.require_free_space(directory, CLONE_BYTES)
    databases.begin_cloning(directory.name, template.name)
    port = spec.port or services.free_port()
    with (
        faults.recording_disk(directory),
        recorded(directory, spec, scenario, deployment, server) as record,
        databases.clone(directory.name, template.name, settings, code) as database,
        faults.environ(directory) as variables,
        _generator(spec, scenario, directory, port, settings, forks) as generator,
        app_environment.database_route(server, database.name, settings, directory, faults) as (url, route),
    ):
        settings = replace(settings, database_url=url)
        record["stages_s"] = stages.seconds
        if generator:
            record_writer.add_clock(record, generator.started_ns)
        record["dataset"] |= {"counts": template.counts, "fingerprint": dataset.fingerprint(spec.scale, code.schema)}
        record["deployment"]["settings"] = settings.public()
        with app_environment.set_up(settings, directory, code.counters, scenario.upstream_ms, faults) as environment:
            environment = replace(environment, environ=variables)
            parts = RunParts(database, environment, port, record, stages, directory, following, scenario, codes, code)
            with _audited_in_any_case(parts) if faults.ends_run else nullcontext():
                _carry_out(parts, generator, route)
        _audit_rows(parts)
    return record


@contextmanager
def _audited_in_any_case(parts: RunParts) -> Iterator[None]:
    """Audit a run that its fault ends, too, by an error or a signal: what was acknowledged by then has to be stored.

    A run that ends before its fault is not audited.
    """
    try:
        yield
    except BaseException:
        if run_faults.fault_was_made(parts.record):
            with deferred_signals():
                disk_reserve.release(parts.directory)
                run_faults.record_connections_left(parts)
                # Of a disk that is full all the same, or a server that is gone; what is not recorded counts as missed.
                with suppress(OSError, UserError, psycopg2.Error):
                    _audit_rows(parts)
        raise


def _carry_out(parts: RunParts, generator: Generator | None, route: Route) -> None:
    if upstream := parts.environment.upstream:
        route = {**route, "upstream": upstream}
    if generator is None:
        run_load.start_only(parts)
    else:
        run_load.drive(parts, generator, route)


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
    counts, sessions = parts.record["dataset"]["counts"], parts.scenario.sessions
    if writes := write_audit.check(parts.database.server, parts.database.name, requests, counts, sessions):
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
    spec: RunSpec,
    scenario: Scenario,
    directory: Path,
    port: int,
    settings: Settings,
    forks: ForkServer | None,
) -> AbstractContextManager[Generator | None]:
    """The load generator, started in parallel with the application: both take long."""
    if scenario.kind == "start":
        return nullcontext()
    rows = dataset.find_scale(spec.scale).counts()
    load = Load(
        scenario,
        spec.seed,
        rows,
        spec.processes,
        run_token=settings.run_token,
        session_lifetimes_s=(settings.session_lifetime_s, settings.session_longest_s),
    )
    return locust_runner.generator(load, application.url_of(port), directory, forks)

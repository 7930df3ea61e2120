"""One run: start the system under test and the load generator, measure, record, and stop all of it."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from reference_app.settings import Settings
from workbench.errors import UserError

from . import (
    app_environment,
    application,
    compaction,
    dataset,
    deployments,
    locust_runner,
    record_writer,
    services,
    witnesses,
    write_audit,
)
from .collectors.collector import Collector
from .locust_runner import Generator, Load
from .run_spec import RunSpec
from .scenarios import Scenario
from .services import DatabaseServer
from .subprocesses import Child, deferred_signals

CLONE_BYTES = 1 * 2**30


def execute(server: DatabaseServer, spec: RunSpec, directory: Path) -> dict:
    """Carry out one run, leave its files in `directory`, and return the content of `run.json`.

    An error or a signal ends the run: the rows up to then stay, `status` is "aborted", and the exception is raised.
    """
    scenario = spec.load()
    # All users of a load come from one address, and would be throttled as one attacker.
    settings = deployments.settings_for(
        spec.deployment, scale=spec.scale, login_throttle=False, run_token=secrets.token_urlsafe()
    )
    template = dataset.ensure_template(server, spec.scale, settings.indexes)
    directory.mkdir(parents=True)
    services.require_free_space(directory, CLONE_BYTES)
    description = deployments.describe(spec.deployment)
    deployment = {"name": spec.deployment, "description": description, "settings": settings.public()}
    port = spec.port or services.free_port()
    with (
        recorded(directory, spec, scenario, deployment, server) as record,
        _generator(spec, scenario, directory, port, settings.run_token) as generator,
        dataset.clone(server, template, directory.name, settings) as database,
    ):
        record["dataset"]["counts"] = dataset.counts(server, database)
        if scenario.sql_before:
            dataset.change(server, database, scenario.sql_before)
        with app_environment.database_route(server, database, settings, directory) as (url, route_processes):
            settings = replace(settings, database_url=url)
            record["deployment"]["settings"] = settings.public()
            if generator is None:
                _start_only(settings, port, directory, record)
            else:
                _drive(server, database, settings, port, generator, record, route_processes)
        compaction.compact(directory)
        if writes := write_audit.check(server, database, directory / "requests.parquet"):
            record["writes"] = writes.record()
    return record


@contextmanager
def recorded(
    directory: Path, spec: RunSpec, scenario: Scenario, deployment: dict, server: DatabaseServer | None = None
) -> Iterator[dict]:
    """Yield the record of a run, for the block to complete; write it at both ends of the block, however that ends."""
    record = record_writer.begin(directory, spec, scenario, deployment, server)
    reason = "unknown"
    try:
        yield record
        record["status"] = "complete"
    except BaseException as error:
        reason = record_writer.interruption_reason(error)
        raise
    finally:
        with deferred_signals():
            record_writer.close(directory, record, scenario, reason)


def _generator(
    spec: RunSpec, scenario: Scenario, directory: Path, port: int, run_token: str
) -> AbstractContextManager[Generator | None]:
    """The load generator, started in parallel with the application: both take seconds."""
    if scenario.kind == "start":
        return nullcontext()
    rows = dataset.find_scale(spec.scale).counts()
    load = Load(scenario, spec.seed, rows, spec.processes, run_token=run_token)
    return locust_runner.generator(load, application.url_of(port), directory)


def _drive(
    server: DatabaseServer,
    database: str,
    settings: Settings,
    port: int,
    generator: Generator,
    record: dict,
    route_processes: Mapping[str, int],
) -> None:
    """Start the application, release the users, wait for the end of the load, and complete the record."""
    directory = generator.directory
    # The collector is the outer block: the application's backends report their last figures when they end.
    with ExitStack() as stack:
        environment = stack.enter_context(app_environment.set_up(settings, directory))
        store = environment.store
        record["store"] = store and store.version
        collector = stack.enter_context(
            Collector(server, database, directory, generator.started_ns, environment.metrics)
        )
        with application.serve(environment.settings, directory / "gunicorn.log", port) as served:
            before = environment.counted()
            record["health"] = served.health
            roles = {"server": served.child.pid, "database": server.pid, **generator.roles()}
            # A server of the user's may run on this machine, and its CPU time is not that of others.
            is_whole = server.pid is not None and (store is None or store.pid is not None)
            collector.begin({**roles, "store": store.pid if store else None, **route_processes}, is_whole=is_whole)
            generator.release_users()
            generator.wait(lambda: _check_health(served.child, server, collector))
            server.require_alive()
            collector.finish()
            record["counters"] = environment.counters()
            application_counts = witnesses.counts_between(before, environment.counted())
            record["served"] = application_counts and application_counts["requests"]
            record["witnesses"] = witnesses.record(application_counts, collector.statements)
            record["database_lost"] = collector.disconnections
            record["readings"] = collector.cost()
            record["busiest_others"] = collector.busiest_others()


def _start_only(settings: Settings, port: int, directory: Path, record: dict) -> None:
    """Start the application without any load; whether it starts is the outcome of the run."""
    with app_environment.set_up(settings, directory) as environment:
        try:
            with application.serve(environment.settings, directory / "gunicorn.log", port) as served:
                record["outcome"] = {"started": True, "message": ""}
                record["health"] = served.health
        except application.StartError as error:
            record["outcome"] = {"started": False, "message": error.reason}


def _check_health(gunicorn: Child, server: DatabaseServer, collector: Collector) -> None:
    """Raise `UserError` if the application or the database has ended, and say which of them."""
    if gunicorn.ended():
        code = gunicorn.process.returncode
        raise UserError(f"gunicorn ended in mid-run (code {code}): {gunicorn.last_line()}\nIts log is {gunicorn.log}")
    if server.child:
        server.require_alive()
    if collector.failure:
        raise UserError(f"the database stopped answering in mid-run: {collector.failure}")

"""One deployment under one scenario, once: everything is started, driven, recorded and stopped here."""

from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from workbench.errors import UserError

from . import app_environment, application, dataset, deployments, locust_runner, record_writer, services, write_audit
from .collectors.collector import Collector
from .generator import recorder
from .record_writer import Order
from .services import DatabaseServer
from .subprocesses import deferred_signals

CLONE_BYTES = 1 * 2**30


def execute(server: DatabaseServer, order: Order, directory: Path) -> dict:
    """Carry the order out, leave the record in `directory`, and return `run.json`'s content.

    Whatever interrupts it, what was recorded stays, `status` says aborted, and the interruption goes on.
    """
    scenario = order.load()
    # All users of a load come from one address, and would be throttled as one attacker.
    settings = deployments.find(order.deployment, scale=order.scale, login_throttle=False)
    template = dataset.ensure_template(server, order.scale, settings.indexes)
    directory.mkdir(parents=True)
    services.require_free_space(directory, CLONE_BYTES)
    deployment = {"name": order.deployment, "settings": settings.public()}
    order = replace(order, port=order.port or services.free_port())
    with (
        recorded(directory, order, scenario, deployment, server) as written,
        _generator(order, scenario, directory) as generator,
        dataset.clone(server, template, directory.name, settings) as database,
    ):
        written["dataset"]["counts"] = dataset.counts(server, database)
        if scenario.sql_before:
            dataset.change(server, database, scenario.sql_before)
        with app_environment.way_to(server, database, settings, directory) as (url, between):
            settings = replace(settings, database_url=url)
            written["deployment"]["settings"] = settings.public()
            if generator is None:
                _start(settings, order.port, directory, written)
            else:
                _drive(server, database, settings, order.port, generator, written, between)
        recorder.compact(directory)
        if found := write_audit.check(server, database, directory / "requests.parquet"):
            written["writes"] = found.record()
    return written


@contextmanager
def recorded(directory, order, scenario, deployment, server=None):
    """The record of a run, for the block to add to; written at its beginning, and made final however it ends."""
    written = record_writer.begin(directory, order, scenario, deployment, server)
    reason = "unknown"
    try:
        yield written
        written["status"] = "complete"
    except BaseException as error:
        reason = record_writer.why(error)
        raise
    finally:
        with deferred_signals():
            record_writer.close(directory, written, scenario, reason)


def _generator(order, scenario, directory):
    """The load generator, which takes as long to start as what it drives, and so does it beside that."""
    if scenario.kind == "start":
        return nullcontext()
    rows = dataset.find_scale(order.scale).counts()
    sent = locust_runner.Load(scenario, order.seed, rows, order.processes)
    return locust_runner.generator(sent, application.url_of(order.port), directory)


def _drive(server, database, settings, port, generator, written, between):
    directory = generator.directory
    # The collector is the outer block: the application's backends tell their last figures when they end.
    with ExitStack() as stack:
        around = stack.enter_context(app_environment.around(settings, directory))
        written["store"] = around.store and around.store.version
        collector = stack.enter_context(Collector(server, database, directory, generator.started_ns, around.readings))
        with application.serve(around.settings, directory / "gunicorn.log", port) as served:
            before = around.served()
            written["health"] = served.health
            roles = {"server": served.child.pid, "database": server.pid, **generator.roles()}
            roles["store"] = around.store and around.store.pid
            collector.begin(roles | between)
            generator.let_go()
            generator.wait(lambda: _look(served.child, server, collector))
            server.require_alive()
            collector.finish()
            written["counters"] = around.counters()
            written["served"] = _between(before, around.served())
            written["database_lost"] = collector.lost
            written["readings"] = collector.cost()


def _between(before, after):
    """Requests counted between two looks at the workers; None where one was replaced, and its count with it."""
    return after[1] - before[1] if before[0] == after[0] else None


def _start(settings, port, directory, written):
    """Only start the application: whether it does is the outcome."""
    with app_environment.around(settings, directory) as around:
        try:
            with application.serve(around.settings, directory / "gunicorn.log", port) as served:
                written["outcome"] = {"started": True, "message": ""}
                written["health"] = served.health
        except application.NotStarted as refusal:
            written["outcome"] = {"started": False, "message": refusal.said}


def _look(gunicorn, server, collector):
    """Raise `UserError` if anything but the generator has ended, and say which."""
    if gunicorn.ended():
        code = gunicorn.process.returncode
        raise UserError(f"gunicorn ended in mid-run (code {code}): {gunicorn.last_line()}\nIts log is {gunicorn.log}")
    if server.child:
        server.require_alive()
    if collector.failure:
        raise UserError(f"the database stopped answering in mid-run: {collector.failure}")

"""One deployment under one scenario, once: everything is started, driven, recorded and stopped here."""

import json
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from sqlalchemy import make_url

from analysis import validity
from analysis.problem import Problem
from reference_app.readings import REQUEST_FIELDS, Readings
from reference_app.settings import Settings

from . import application, dataset, deployments, environment, proxy, recorder, scenarios, services, writes
from .children import Child, deferred_signals, start
from .collectors import Collector
from .services import DatabaseServer, StoreServer

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
LONGEST_RUN_S = 900.0
CLONE_BYTES = 1 * 2**30
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to run. `block` and `position` tell where in an experiment's plan it stands."""

    deployment: str
    scenario: str
    scale: str
    seed: int
    port: int | None = None
    block: int = 0
    position: int = 0

    def check(self) -> None:
        """Raise `Problem` for a name that does not exist, before anything is started."""
        deployments.find(self.deployment)
        scenarios.find(self.scenario)
        dataset.find_scale(self.scale)


def execute(server: DatabaseServer, order: Order, directory: Path) -> dict:
    """Carry the order out, leave the record in `directory`, and return `run.json`'s content.

    Whatever interrupts it, what was recorded stays, `status` says aborted, and the interruption goes on.
    """
    scenario = scenarios.find(order.scenario)
    # All users of a load come from one address, and would be throttled as one attacker.
    settings = deployments.find(order.deployment, scale=order.scale, login_throttle=False)
    template = dataset.ensure_template(server, order.scale, settings.indexes)
    directory.mkdir(parents=True)
    services.require_free_space(directory, CLONE_BYTES)
    record = _first_record(server, order, scenario, settings, directory)
    _write(directory, record)
    reason = "unknown"
    try:
        with dataset.clone(server, template, directory.name, settings) as database:
            record["dataset"]["counts"] = dataset.counts(server, database)
            if scenario.sql_before:
                dataset.change(server, database, scenario.sql_before)
            with _way_to(server, database, settings, directory) as (url, between):
                settings = replace(settings, database_url=url)
                record["deployment"]["settings"] = settings.public()
                if scenario.kind == "start":
                    _start(settings, order, directory, record)
                else:
                    _drive(server, database, settings, order, scenario, directory, record, between)
            recorder.compact(directory)
            if written := writes.check(server, database, directory / "requests.parquet"):
                record["writes"] = written.record()
        record["status"] = "complete"
    except BaseException as error:
        reason = _describe(error)
        raise
    finally:
        with deferred_signals():
            _close(directory, record, reason)
    return record


def _first_record(server, order, scenario, settings, directory):
    return {
        "format": FORMAT,
        "run": directory.name,
        "experiment": directory.parent.name,
        "block": order.block,
        "position": order.position,
        "deployment": {"name": order.deployment, "settings": settings.public()},
        "scenario": scenario.record(),
        "seed": order.seed,
        "dataset": {"scale": order.scale, "seed": dataset.SEED},
        "environment": environment.describe(server),
        "started": _now(),
        "ended": None,
        "status": "running",
        "valid": None,
        "reasons": [],
    }


@contextmanager
def _way_to(server, database, settings, directory) -> Iterator[tuple[str, dict[str, int]]]:
    """The database's URL as the deployment has it, under its host name and as far away as it says; and the processes
    in between, by role."""
    url = make_url(server.url_of(database))
    processes = {}
    with ExitStack() as stack:
        if settings.round_trip_ms:
            through = proxy.through((url.host, url.port), settings.round_trip_ms, directory / "proxy.log")
            between = stack.enter_context(through)
            processes["proxy"] = between.child.pid
            url = url.set(host=between.address[0], port=between.address[1])
        if settings.database_host:
            address = socket.gethostbyname(url.host)
            url = url.set(host=settings.database_host, query={**url.query, "hostaddr": address})
        yield url.render_as_string(hide_password=False), processes


@dataclass(frozen=True)
class Surroundings:
    """What the application of a run has around it: its settings, the workers' readings, and the store if it has one."""

    settings: Settings
    readings: Readings
    store: StoreServer | None

    def counters(self) -> dict[str, int]:
        """What the workers counted beside their pools, added up."""
        read = self.readings.read().values()
        return {name: sum(reading[name] for reading in read) for name in REQUEST_FIELDS}


@contextmanager
def _around(settings, directory) -> Iterator[Surroundings]:
    """A key, folders, readings and, where the deployment has one, a store of the run's own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracetrack-run-")))
        file = folder / "readings"
        readings = Readings.create(file, settings.workers)
        (folder / "sessions").mkdir()
        own = {
            "session_directory": str(folder / "sessions"),
            "readings_file": str(file),
            "secret_key": secrets.token_hex(32),
        }
        store = None
        if settings.needs_store:
            store = stack.enter_context(services.store_server(folder, directory / "valkey.log"))
            own |= {"redis_url": store.url, "store_prefix": store.prefix}
        yield Surroundings(replace(settings, **own), readings, store)


def _drive(server, database, settings, order, scenario, directory, record, between):
    started_ns = time.monotonic_ns()
    # The collector is the outer block: the application's backends tell their last figures when they end.
    with ExitStack() as stack:
        around = stack.enter_context(_around(settings, directory))
        record["store"] = around.store and around.store.version
        collector = stack.enter_context(Collector(server, database, started_ns, around.readings))
        with (
            application.serve(around.settings, directory / "gunicorn.log", order.port) as served,
            _generator(scenario, order, record, directory, served.url, started_ns) as locust,
        ):
            record["health"] = served.health
            roles = {"server": served.child.pid, "generator": locust.pid, "database": server.pid}
            roles["store"] = around.store and around.store.pid
            collector.begin(roles | between)
            _wait(locust, served.child, server, collector, directory)
            collector.finish()
            record["counters"] = around.counters()
    collector.write(directory)


def _start(settings, order, directory, record):
    """Only start the application: whether it does is the outcome."""
    with _around(settings, directory) as around:
        try:
            with application.serve(around.settings, directory / "gunicorn.log", order.port) as served:
                record["outcome"] = {"started": True, "said": ""}
                record["health"] = served.health
        except application.NotStarted as refusal:
            record["outcome"] = {"started": False, "said": refusal.said}


@contextmanager
def _generator(scenario, order, record, directory, url, started_ns) -> Iterator[Child]:
    command = [
        sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", url,
        "--users", str(scenario.users), "--spawn-rate", str(scenario.users),
        "--exit-code-on-error", "0", "--only-summary", "--loglevel", "WARNING",
    ]  # fmt: skip
    environ = {
        "TRACETRACK_RUN_DIRECTORY": str(directory),
        "TRACETRACK_RUN_STARTED_NS": str(started_ns),
        "TRACETRACK_SCENARIO": json.dumps(scenario.record()),
        "TRACETRACK_SEED": str(order.seed),
        "TRACETRACK_ROWS": json.dumps(record["dataset"]["counts"]),
        "GEVENT_RESOLVER": "block",  # the host is a number: nothing to wait for, and no thread for each connection
    }
    with start("Locust", command, directory / "locust.log", environ) as child:
        yield child


def _wait(locust, gunicorn, server, collector, directory):
    """Until the generator has ended by itself; if anything else ends before it, say which."""
    deadline = time.monotonic() + LONGEST_RUN_S
    while not locust.wait(0.1):
        if gunicorn.ended():
            code = gunicorn.process.returncode
            raise Problem(f"gunicorn ended in mid-run (code {code}): {gunicorn.last_line()}\nIts log is {gunicorn.log}")
        if server.child:
            server.require_alive()
        if collector.failure:
            raise Problem(f"the database stopped answering in mid-run: {collector.failure}")
        if time.monotonic() > deadline:
            raise Problem(f"the run did not end within {LONGEST_RUN_S:.0f} s and was stopped")
    server.require_alive()
    if locust.process.returncode == recorder.WRITE_FAILED:
        told = directory / "generator-error.txt"
        reason = (told.read_text() if told.exists() else "") or "the rows could not be written"
        raise Problem(f"{reason}\nFree some space, or set TRACETRACK_DATA_DIR to a larger disk.")
    if locust.process.returncode != 0:
        raise Problem(f"Locust ended with code {locust.process.returncode}: {locust.last_line()} (see {locust.log})")


def _close(directory: Path, record: dict, reason: str) -> None:
    """Make the record final. On a full disk the run stays marked as running, which readers take for cut off."""
    if record["status"] == "running":
        record["status"] = "aborted"
    rows = recorder.compact(directory)
    record["ended"] = _now()
    record["rows"] = rows
    told = directory / "generator.json"
    record["generator"] = json.loads(told.read_text()) if told.exists() else {}
    gates = [] if record["scenario"]["kind"] == "start" else _judge(directory, record)
    record["gates"] = [gate.record() for gate in gates]
    record["valid"] = record["status"] == "complete" and all(gate.passed is not False for gate in gates)
    record["reasons"] = [gate.reason() for gate in gates if gate.passed is False]
    if record["status"] == "aborted":
        record["reasons"].insert(0, reason)
    _write(directory, record)


def _judge(directory, record):
    readings = directory / "process.parquet"
    expected = scenarios.find(record["scenario"]["name"]).expected_requests()
    return validity.gates(
        pd.read_parquet(directory / "requests.parquet"),
        pd.read_parquet(readings) if readings.exists() else None,
        counted=record["generator"].get("requests"),
        expected=expected if record["status"] == "complete" else None,
    )


def _describe(error):
    if isinstance(error, KeyboardInterrupt):
        return "stopped by Ctrl-C"
    return str(error).split("\n")[0] or type(error).__name__


def _write(directory, record):
    half = directory / "run.json.half"
    half.write_text(json.dumps(record, indent=2) + "\n")
    half.rename(directory / "run.json")


def _now():
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

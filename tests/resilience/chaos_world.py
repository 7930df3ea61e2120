"""The real stack of a chaos test: PostgreSQL and Valkey behind proxies, gunicorn with two workers, and faults."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

from loadgen import app_environment, application, dataset, deployments, run_database, services
from loadgen.app_environment import AppEnvironment
from loadgen.fault_injection.freezer import Freezer, freezer
from loadgen.fault_injection.injector import FaultTarget, Injector
from loadgen.fault_injection.injectors import INJECTORS
from loadgen.fault_needs.fault_setup import FaultSetup
from loadgen.locust_runner import Generator
from loadgen.proxy import Proxy
from loadgen.run_faults import SESSIONS
from reference_app.settings import Settings
from tests.conftest import save_disk_writes
from tests.resilience.chaos_clients import Client, Exchange
from tests.resilience.chaos_steps import (
    CLIENTS,
    STORE,
    WORKER,
    Dashboard,
    Fault,
    Injected,
    Login,
    Request,
    Toxic,
    Under,
)
from workbench.errors import UserError
from workbench.faults import KINDS, NO_FAILURE
from workbench.polling import attempts

# `tuned`, with lifetimes and timeouts of a second: what they bound happens within a test.
SHORT: dict[str, Any] = {
    "workers": 2,
    "scale": "small",
    "login_throttle": False,
    "cache_statistics_ttl_s": 1,
    "cache_search_ttl_s": 1,
    "statement_timeout_ms": 1000,
    "tcp_user_timeout_ms": 1500,
    "connect_timeout_s": 1,
    "pool_timeout_s": 1.0,
    "worker_timeout_s": 2,
}
LIFETIME_S = 1.0
MAX_RECOVERY_S = 2.0
LEAD_S = 0.05  # from the first request to the fault, and from its end to the last request
BETWEEN_S = 0.3  # from one of two faults to the other
BACK_S = 20.0  # for a server that was stopped to answer again: only from then on its recovery counts
SETTLE_S = 5.0
PROBES, PROBE_PAUSE_S = 4, 0.1
SCANS = """
    SELECT idempotency_key, username, qr_id, scan.id FROM tracetrack.scan
    JOIN tracetrack."user" ON "user".id = user_id JOIN tracetrack.bag ON bag.id = bag_id
    WHERE idempotency_key IS NOT NULL
"""
COUNTED = ("total_bags", "total_scans", "total_bills", "active_users")
ACTIVE = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tracetrack' AND state <> 'idle'
"""


@dataclass(frozen=True)
class Stored:
    """A scan in the database."""

    key: str
    user: str
    qr_id: str
    id: int


class FaultTime(NamedTuple):
    """When faults were in force, in seconds since the epoch, and which."""

    faults: tuple[Fault, ...]
    begin_s: float
    end_s: float

    @property
    def ends_workers(self) -> bool:
        """Whether requests in flight may get no answer."""
        return any(fault.concerns == WORKER for fault in self.faults)

    @property
    def allows_refusals(self) -> bool:
        """Whether requests may be refused: the catalogue promises for some faults that no request is."""
        return any(isinstance(fault, Toxic) or KINDS[fault.name].promise != NO_FAILURE for fault in self.faults)


class World:
    """The stack, what was sent to it so far, and which faults it had."""

    def __init__(self, target: FaultTarget, settings: Settings, address: str):
        self.target = target
        self.settings = settings
        self.address = address
        self.base = self.counts()
        self.ledger: list[Exchange] = []
        self.fault_times: list[FaultTime] = []
        self.slow_recoveries: list[str] = []
        self.reported: set[str] = set()
        self.examples = 0

    def clients(self) -> list[Client]:
        """New clients, each logged in as a user of its own, and one more for probes."""
        self.examples += 1
        started = [Client(self.address, self.ledger) for _ in range(CLIENTS + 1)]
        for number, client in enumerate(started):
            answer = client.send(Login(number, number))
            assert answer.status == 302, f"the stack is not well before an example: {answer}"
        return started

    def query(self, statement: str) -> list[tuple]:
        """The rows of a statement, past the proxy."""
        with closing(self.target.server.connect(self.target.database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, (self.target.database,) if "%s" in statement else None)
            return cursor.fetchall()

    def stored(self) -> list[Stored]:
        """The scans that have a key."""
        return [Stored(*row) for row in self.query(SCANS)]

    def counts(self) -> dict[str, int]:
        """The counts of the dashboard, as they are."""
        return dict(zip(COUNTED, self.query(f"SELECT {', '.join(COUNTED)} FROM tracetrack.summary")[0], strict=True))

    def connections(self) -> tuple[int, int]:
        """The application's connections at the server, and those of them that are idle in a transaction."""
        ((total, in_transaction),) = self.query(SESSIONS)
        return total, in_transaction

    def settle(self) -> None:
        """Wait until no statement of the application is under way any more."""
        for _ in attempts(SETTLE_S, 0.02):
            if self.query(ACTIVE) == [(0,)]:
                return


class StepRunner:
    """Carries out steps in a world, with the clients of one example."""

    def __init__(self, world: World):
        self.world = world
        self._clients = world.clients()
        self._prefix = f"{world.examples}-"

    def send(self, request: Request) -> Exchange:
        """Send a request by the client that it names."""
        return self._clients[request.client].send(request, self._prefix)

    def send_together(self, requests: tuple[Request, ...]) -> None:
        """Send the requests at one instant, each in a thread."""
        barrier = threading.Barrier(len(requests))

        def send(request: Request) -> None:
            barrier.wait()
            self.send(request)

        with ThreadPoolExecutor(len(requests)) as threads:
            for sending in [threads.submit(send, request) for request in requests]:
                sending.result()

    def send_under(self, under: Under) -> None:
        """Send the requests one after another, the first before the faults begin and the last after their end."""
        hold_s = under.hold_ms / 1000
        pause_s = (2 * LEAD_S + hold_s) / max(1, len(under.requests) - 1)
        faults = [made_fault(self.world.target, fault) for fault in under.faults]
        with ThreadPoolExecutor(len(under.requests) + PROBES) as threads:
            sent = [
                threads.submit(self._send_late, number * pause_s, request)
                for number, request in enumerate(under.requests)
            ]
            time.sleep(LEAD_S)
            begun_s = time.time()
            begun: list[Injector] = []
            try:
                begun += (fault for fault in faults if _begins(fault))
                time.sleep(hold_s)
            finally:
                for fault in begun:
                    fault.end()
                for _ in attempts(BACK_S, 0.02):
                    if all(fault.is_over() for fault in begun):
                        break
            self.world.fault_times.append(FaultTime(under.faults, begun_s, time.time()))
            self._recover(threads, under)
            for sending in sent:
                sending.result()

    def _send_late(self, delay_s: float, request: Request) -> None:
        time.sleep(delay_s)
        self.send(request)

    def _recover(self, threads: ThreadPoolExecutor, under: Under) -> None:
        """Send probes until the stack has had its time after a fault; then note each probe that is not served."""
        wanted_s = time.monotonic() + MAX_RECOVERY_S
        while time.monotonic() < wanted_s:
            for probe in self._probes(threads):
                probe.result()
            time.sleep(PROBE_PAUSE_S)
        refused = [probe.result() for probe in self._probes(threads) if probe.result().status != 200]
        self.world.slow_recoveries += [f"{MAX_RECOVERY_S} s after {under.faults}: {exchange}" for exchange in refused]

    def _probes(self, threads: ThreadPoolExecutor) -> list[Future[Exchange]]:
        """Requests at the same time, so that each worker gets one."""
        return [threads.submit(self.send, Dashboard(CLIENTS)) for _ in range(PROBES)]


class ToxicInjector(Injector):
    """A toxic as a fault."""

    def __init__(self, target: FaultTarget, toxic: Toxic):
        super().__init__(target)
        self._toxic = toxic
        proxy = target.store_proxy if toxic.concerns == STORE else target.server_proxy
        assert proxy
        self._proxy = proxy

    def begin(self) -> None:
        self._proxy.add("chaos", self._toxic.kind, self._toxic.direction, **dict(self._toxic.attributes))

    def end(self) -> None:
        self._proxy.remove("chaos")


def made_fault(target: FaultTarget, fault: Fault) -> Injector:
    """The injector of a fault."""
    return INJECTORS[fault.name](target) if isinstance(fault, Injected) else ToxicInjector(target, fault)


def _begins(fault: Injector) -> bool:
    """Begin a fault, and leave it time to affect requests before the next one; False where it cannot be made now."""
    try:
        fault.prepare()
        fault.begin()
    except UserError:  # no session is idle
        fault.end()
        return False
    time.sleep(BETWEEN_S)
    return True


@contextmanager
def running(directory: Path, **changed: Any) -> Iterator[World]:
    """The stack for the block, with files in `directory`; `changed` are settings of the application."""
    settings = deployments.settings_for("tuned", **SHORT, **changed)
    with ExitStack() as stack:
        server = stack.enter_context(services.database_server(directory / "postgres", 100))
        save_disk_writes(server)
        template = dataset.ensure_template(server, settings.scale, settings.indexes)
        database = stack.enter_context(run_database.clone(server, template, "chaos", settings))
        setup = FaultSetup(frozenset({"black-hole", "store-away"}))  # a proxy before each server
        route_set_up = app_environment.database_route(server, database, settings, directory, setup)
        url, route = stack.enter_context(route_set_up)
        settings = replace(settings, database_url=url)
        environment = stack.enter_context(app_environment.set_up(settings, directory, faults=setup))
        freezing = stack.enter_context(freezer(directory / "freezer.log"))
        served = stack.enter_context(application.serve(environment.settings, directory / "gunicorn.log"))
        target = fault_target(server, database, environment, cast(Proxy, route["proxy"]), freezing, directory)
        yield World(target, environment.settings, served.url.removeprefix("http://"))


def fault_target(
    server: services.DatabaseServer,
    database: str,
    environment: AppEnvironment,
    server_proxy: Proxy,
    freezing: Freezer,
    directory: Path,
) -> FaultTarget:
    """What the faults reach: all but a load generator, of which no fault is drawn."""
    return FaultTarget(
        server=server,
        database=database,
        environment=environment,
        generator=cast(Generator, None),
        directory=directory,
        server_proxy=server_proxy,
        store_proxy=environment.store_proxy,
        freezer=freezing,
        paused_readings=nullcontext,
        note_database=lambda pid: None,
    )

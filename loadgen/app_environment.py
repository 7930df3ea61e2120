"""The environment of the application under test: its database route, its folders, its workers' metrics, its store."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from instrumentation.worker_metrics import RESPONSE_FIELDS, WorkerMetrics
from reference_app.counters import COUNTERS
from reference_app.settings import Settings
from workbench.errors import UserError
from workbench.temporary_folder import temporary_folder

from . import monitor_reader, proxy, services
from .addresses import resolve
from .fault_needs.fault_setup import DATABASE_PROXY, NO_FAULTS, STORE_PROXY, FaultSetup
from .memory import memory_limit
from .memory.memory_limit import NO_LIMIT, MemoryLimit
from .proxy import Proxy
from .route_processes import Route
from .services import DatabaseServer, PoolerSettings, StoreServer, UpstreamServer, database_url, make_private

STATEMENT_SAMPLES, TEMPORARY = "statement-samples", "temporary"
SPARE_CLIENTS = 20  # beside those of the workers' pools: checks at the start, and readings

WorkerCounts = tuple[frozenset[int], dict[str, int]]


@contextmanager
def database_route(
    server: DatabaseServer, database: str, settings: Settings, directory: Path, faults: FaultSetup = NO_FAULTS
) -> Iterator[tuple[str, Route]]:
    """The database's URL for the application, and the processes between the two, by role.

    The URL has the deployment's host name, if it has one. Where the deployment has a round trip, it leads through a
    proxy that delays, as it does where `faults` need one; where it has a pooler, through that first: the pooler runs
    beside the application.
    """
    url, address = server.application_url_of(database), server.address
    route: Route = {}
    with ExitStack() as stack:
        # A Unix socket has no address to go with the deployment's host name; the proxy gives it one.
        if (
            faults.needs(DATABASE_PROXY)
            or settings.round_trip_ms
            or (settings.database_host and isinstance(address, str))
        ):
            delaying = stack.enter_context(proxy.through(address, settings.round_trip_ms, directory / "proxy.log"))
            route["proxy"] = delaying
            url = database_url.through(url, delaying.address, settings.database_host)
        elif settings.database_host and isinstance(address, tuple):
            url = database_url.through(url, (_resolved(address[0]), address[1]), settings.database_host)
        if settings.pooler == "pgbouncer":
            log = directory / "pgbouncer.log"
            route["pooler"] = pooler = stack.enter_context(services.pooler(url, _pooler_settings(settings), log))
            url = pooler.url
        yield url, route


def _pooler_settings(settings: Settings) -> PoolerSettings:
    return PoolerSettings(
        settings.pooler_size,
        settings.client_connections() + SPARE_CLIENTS,
        settings.pool_timeout_s,
        settings.statement_timeout_ms,
    )


def _resolved(host: str) -> str:
    """An address of the host. Raises `UserError` if its name cannot be resolved."""
    try:
        return min(resolve(host))
    except OSError as error:
        raise UserError(f"the host {host} of DATABASE_URL cannot be found: {error.strerror or error}") from None


@dataclass(frozen=True)
class AppEnvironment:
    """The application's settings, the metrics of its workers, its store if it has one, its folder and its memory."""

    settings: Settings
    metrics: WorkerMetrics
    store: StoreServer | None
    folder: Path
    counted_names: tuple[str, ...] = COUNTERS
    memory: MemoryLimit = NO_LIMIT
    upstream: UpstreamServer | None = None
    store_proxy: Proxy | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def statement_samples(self) -> Path:
        """The file with the slowest executions of each statement; missing where the application records none."""
        return self.folder / STATEMENT_SAMPLES

    @property
    def temporary(self) -> Path:
        """The folder for the temporary files of the application, and of nothing else."""
        return self.folder / TEMPORARY

    def monitored(self) -> dict[str, float]:
        """What the monitor has counted; empty without one."""
        return monitor_reader.read(self.settings.monitor_port) if self.settings.monitor else {}

    def counters(self) -> dict[str, int]:
        """The counters of the application, added up over its workers."""
        workers = self.metrics.read().values()
        return {name: sum(values[name] for values in workers) for name in ("requests", *self.counted_names)}

    def counted(self) -> WorkerCounts:
        """The process ids of the workers, and what they have counted of requests and responses."""
        workers = self.metrics.read().values()
        pids = frozenset(values["pid"] for values in workers)
        return pids, {name: sum(values[name] for values in workers) for name in ("requests", *RESPONSE_FIELDS)}


def _with_places(settings: Settings, folder: Path, readings: Path) -> Settings:
    """The settings with the paths below this folder, a key, and a port for the monitor."""
    return replace(
        settings,
        session_directory=str(folder / "sessions"),
        readings_file=str(readings),
        samples_file=str(folder / STATEMENT_SAMPLES),
        secret_key=secrets.token_hex(32),
        monitor_port=services.free_port() if settings.monitor else settings.monitor_port,
    )


@contextmanager
def set_up(
    settings: Settings,
    directory: Path,
    counters: tuple[str, ...] = COUNTERS,
    upstream_ms: float = 0.0,
    faults: FaultSetup = NO_FAULTS,
) -> Iterator[AppEnvironment]:
    """Create a secret key, temporary folders, files of metrics and of statements, the memory limit, and a store.

    All are gone after the block. `counters` are those of the application's workers. With `upstream_ms` there is a
    carrier that answers after this time; `faults` get what they need.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder("run"))
        file = folder / "readings"
        metrics = WorkerMetrics.create(file, settings.workers, counters)
        make_private(folder / "sessions")
        stack.enter_context(faults.session_disk(folder / "sessions"))
        make_private(folder / TEMPORARY)
        settings = _with_places(settings, folder, file)
        store = store_proxy = None
        if settings.needs_store:
            store = stack.enter_context(services.store_server(folder, directory / "valkey.log"))
            settings = replace(settings, redis_url=store.url, store_prefix=store.prefix)
            if faults.needs(STORE_PROXY):
                log = directory / "store-proxy.log"
                store_proxy = stack.enter_context(proxy.through(store.address, 0.0, log))
                settings = replace(settings, redis_url=store.url_through(store_proxy.address))
        upstream = None
        if upstream_ms:
            upstream = stack.enter_context(services.upstream_server(upstream_ms, directory / "upstream.log"))
            settings = replace(settings, upstream_url=upstream.url)
        memory = stack.enter_context(memory_limit.limited(settings.memory_limit_mib))
        yield AppEnvironment(settings, metrics, store, folder, counters, memory, upstream, store_proxy)

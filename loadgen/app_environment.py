"""The environment of the application under test: its database route, its folders, its workers' metrics, its store."""

import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import URL, make_url

from instrumentation.worker_metrics import RESPONSE_FIELDS, WorkerMetrics
from reference_app.counters import COUNTERS, RECORDED_COUNTERS
from reference_app.settings import Settings

from . import proxy, services
from .services import DatabaseServer, StoreServer

WorkerCounts = tuple[frozenset[int], dict[str, int]]


@contextmanager
def database_route(
    server: DatabaseServer, database: str, settings: Settings, directory: Path
) -> Iterator[tuple[str, dict[str, int]]]:
    """The database's URL for the application, and the processes between the two, by role.

    The URL has the deployment's host name. Where the deployment has a round trip, it leads through a proxy that delays.
    """
    url = make_url(server.url_of(database))
    processes: dict[str, int] = {}
    with ExitStack() as stack:
        if settings.round_trip_ms:
            delaying = stack.enter_context(
                proxy.through(_tcp_address(url), settings.round_trip_ms, directory / "proxy.log")
            )
            processes["proxy"] = delaying.child.pid
            url = url.set(host=delaying.address[0], port=delaying.address[1])
        if settings.database_host:
            address = socket.gethostbyname(_tcp_address(url)[0])
            url = url.set(host=settings.database_host, query={**url.query, "hostaddr": address})
        yield url.render_as_string(hide_password=False), processes


def _tcp_address(url: URL) -> tuple[str, int]:
    """Host and port of a database URL, with libpq's defaults where it names none."""
    return url.host or "localhost", url.port or 5432


@dataclass(frozen=True)
class AppEnvironment:
    """The application's settings, the metrics of its workers, and its store if the deployment has one."""

    settings: Settings
    metrics: WorkerMetrics
    store: StoreServer | None

    def counters(self) -> dict[str, int]:
        """The counters of the application, added up over its workers."""
        workers = self.metrics.read().values()
        return {name: sum(values[name] for values in workers) for name in RECORDED_COUNTERS}

    def counted(self) -> WorkerCounts:
        """The process ids of the workers, and what they have counted of requests and responses."""
        workers = self.metrics.read().values()
        pids = frozenset(values["pid"] for values in workers)
        return pids, {name: sum(values[name] for values in workers) for name in ("requests", *RESPONSE_FIELDS)}


@contextmanager
def set_up(settings: Settings, directory: Path) -> Iterator[AppEnvironment]:
    """Create a secret key, temporary folders, a metrics file and, where the deployment needs one, a store.

    All are gone after the block.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracetrack-run-")))
        file = folder / "readings"
        metrics = WorkerMetrics.create(file, settings.workers, COUNTERS)
        (folder / "sessions").mkdir()
        settings = replace(
            settings,
            session_directory=str(folder / "sessions"),
            readings_file=str(file),
            secret_key=secrets.token_hex(32),
        )
        store = None
        if settings.needs_store:
            store = stack.enter_context(services.store_server(folder, directory / "valkey.log"))
            settings = replace(settings, redis_url=store.url, store_prefix=store.prefix)
        yield AppEnvironment(settings, metrics, store)

"""What the application of a run has around it: a way to its database, folders, readings, and a store of its own."""

import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import make_url

from instrumentation.worker_metrics import REQUEST_FIELDS, Readings
from reference_app.settings import Settings

from . import proxy, services
from .services import DatabaseServer, StoreServer


@contextmanager
def way_to(
    server: DatabaseServer, database: str, settings: Settings, directory: Path
) -> Iterator[tuple[str, dict[str, int]]]:
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
    """The application's settings, its workers' readings, and the store if it has one."""

    settings: Settings
    readings: Readings
    store: StoreServer | None

    def counters(self) -> dict[str, int]:
        """What the workers counted beside their pools, added up."""
        read = self.readings.read().values()
        return {name: sum(reading[name] for reading in read) for name in REQUEST_FIELDS}

    def served(self) -> tuple[frozenset[int], int]:
        """The workers by process id, and the requests that they counted."""
        read = self.readings.read().values()
        return frozenset(reading["pid"] for reading in read), sum(reading["requests"] for reading in read)


@contextmanager
def around(settings: Settings, directory: Path) -> Iterator[Surroundings]:
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

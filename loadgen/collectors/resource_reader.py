"""Readings of what an application has in use and could leak: descriptors, sessions, temporary files, log, backends."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis

from workbench.columns import arrow_schema
from workbench.reading_schema import RESOURCES

from ..app_environment import AppEnvironment
from ..memory.process_memory import ProcessMemory
from .sample_file import SampleFile

SCHEMA = arrow_schema(RESOURCES)
STORE_TIMEOUT_S = 0.2


@dataclass(frozen=True)
class ResourceSources:
    """Where resources are counted: the sessions, a store's memory, and the paths of temporary files and log.

    `sessions` returns their number and the bytes of the store, each None where it is not known.
    """

    sessions: Callable[[], tuple[int | None, int | None]]
    temporary: Path
    log: Path


def resource_sources(environment: AppEnvironment, log: Path) -> ResourceSources:
    """The sources of a run's application, whose log this is."""
    return ResourceSources(_session_counter(environment), environment.temporary, log)


class ResourceReader:
    """Leaves `resources.parquet` in the directory, one row a reading."""

    def __init__(self, directory: Path, sources: ResourceSources):
        self._file = SampleFile(directory / "resources.parquet", SCHEMA)
        self._sources = sources

    def add(
        self, at_us: int, application: Mapping[int, ProcessMemory], backends: Mapping[int, ProcessMemory] | None
    ) -> None:
        """Add a reading of the application's processes and PostgreSQL's, each with its memory by process id.

        `backends` is None for a server on another machine.
        """
        sessions, store_bytes = self._sources.sessions()
        self._file.add(
            {
                "at_us": at_us,
                "application_bytes": _anonymous(application),
                "descriptors": sum(_entries(Path(f"/proc/{pid}/fd")) or 0 for pid in application) or None,
                "sessions": sessions,
                "store_bytes": store_bytes,
                "temporary_files": _entries(self._sources.temporary),
                "log_bytes": _size(self._sources.log),
                "backend_bytes": _anonymous(backends),
            }
        )

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def _anonymous(processes: Mapping[int, ProcessMemory] | None) -> int | None:
    """Their memory without the pages of files: how many others have those too changes without them."""
    return sum(memory.anonymous for memory in processes.values()) if processes else None


def _session_counter(environment: AppEnvironment) -> Callable[[], tuple[int | None, int | None]]:
    """Counts files or keys; those of a store that others use too are not counted, nor those of a database."""
    if environment.settings.sessions == "filesystem":
        return lambda: (_entries(Path(environment.settings.session_directory)), None)
    store = environment.store
    if environment.settings.sessions not in ("shared", "flask-session-redis") or store is None or store.pid is None:
        return lambda: (None, None)
    client = redis.Redis.from_url(store.url, socket_timeout=STORE_TIMEOUT_S, socket_connect_timeout=STORE_TIMEOUT_S)
    return lambda: _store_use(client)


def _store_use(client: redis.Redis) -> tuple[int | None, int | None]:
    """The keys of a store, and the memory in use by its own account."""
    try:
        return int(client.dbsize()), int(client.info("memory")["used_memory"])
    except redis.RedisError:
        return None, None


def _entries(folder: Path) -> int | None:
    """The number of entries of a folder; None for one that is not there or may not be read."""
    with suppress(OSError):
        return len(os.listdir(folder))
    return None


def _size(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_size
    return None

"""What a run knows of other hosts that make its load, see `loadgen.hosts`."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from .locust_runner import Generator, Load


class LoadHosts(Protocol):
    """Other hosts that make the load of a run; `record` has their entries for its record."""

    def generator(self, load: Load, url: str, directory: Path, /) -> AbstractContextManager[Generator]: ...

    def record(self, directory: Path, /) -> list[dict[str, Any]]: ...


@contextmanager
def recorded_hosts(record: dict, hosts: LoadHosts | None, directory: Path) -> Iterator[None]:
    """Note in the record what came of the hosts, however the block ends."""
    try:
        yield
    finally:
        if hosts and directory.is_dir():
            record["hosts"] = hosts.record(directory)

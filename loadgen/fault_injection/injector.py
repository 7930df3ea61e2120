"""What makes a fault: an injector for each kind, and what it can reach of a run."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..app_environment import AppEnvironment
from ..locust_runner import Generator
from ..proxy import Proxy
from ..services import DatabaseServer
from .freezer import Freezer


@dataclass(frozen=True)
class FaultTarget:
    """What a fault may reach: the servers, processes and folders of a run.

    `server_proxy` and `store_proxy` stand before PostgreSQL and Valkey, where the fault needs them. `paused_readings`
    gives a block in which no thread of this process does anything: a process may be started there.
    `freezer` is there for injectors that need it. `note_database` is called with the process id of a PostgreSQL that
    was started again.
    """

    server: DatabaseServer
    database: str
    environment: AppEnvironment
    generator: Generator
    directory: Path
    server_proxy: Proxy | None
    store_proxy: Proxy | None
    freezer: Freezer | None
    paused_readings: Callable[[], AbstractContextManager[None]]
    note_database: Callable[[int], None]


def process_state(pid: int) -> str | None:
    """The state of a process, as psutil names it; None for one that has ended."""
    try:
        state = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return None
    return None if state == psutil.STATUS_ZOMBIE else state


class Injector:
    """Makes one fault. `begin` and `end` are called once each, in the main thread; `end` also if the run is stopped.

    `prepare` is called before `begin`, and what it does is no part of the fault. `repeat` is called ten times a second
    in between. All of them return soon: the load is watched from there. They raise `UserError` with one line where the
    fault cannot be made. `problem` says why the fault had no effect, once it has ended; it is empty where it had.
    """

    needs_freezer = False
    problem = ""

    def __init__(self, target: FaultTarget):
        self.target = target

    def freeze(self, pid: int) -> None:
        """Make a process stand still until `thaw`, or the end of this process."""
        assert self.target.freezer, "the injector does not say that it needs a freezer"
        self.target.freezer.freeze(pid)

    def thaw(self, pid: int) -> None:
        """Let a process go on; one that is there and does not stand still was never frozen, which is a problem."""
        assert self.target.freezer, "the injector does not say that it needs a freezer"
        if process_state(pid) not in (None, psutil.STATUS_STOPPED):
            self.problem = f"process {pid} did not stand still"
        self.target.freezer.thaw(pid)

    def prepare(self) -> None:
        """Look for what the fault is to hit; the instant at which the fault begins is noted after it."""

    def begin(self) -> None:
        """Bring the fault into force."""

    def repeat(self) -> None:
        """Keep it in force."""

    def end(self) -> None:
        """Undo it."""

    def is_over(self) -> bool:
        """Whether what was undone is there again: a server that was started answers."""
        return True

    def has_ended_early(self) -> bool:
        """Whether the application has undone it by itself before its time."""
        return False

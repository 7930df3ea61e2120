"""The load generator of a run over hosts: Locust's master here, and its workers on the hosts that joined."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workbench.errors import UserError
from workbench.polling import attempts

from .. import locust_runner, record_writer
from ..generator.interface import ABORTED, HOSTS, INSECURE, REFUSED
from ..locust_runner import START_SIGNAL, Generator, Load, Refused
from ..subprocesses import start
from . import host_processes, remote_readings
from .host_gathering import Gathered
from .host_messages import SILENCE_S
from .joined_host import LOST, received_rows

CONNECT_S = 60  # for the processes of all hosts, which start when the load begins
STOP_S = 15.0  # for the rows of hosts that are still there when a run ends before its time
GAVE_UP = "Gave up waiting for workers"


@dataclass(frozen=True)
class HostGenerator(Generator):
    """The generator of a run whose senders are on other hosts."""

    gathered: Gathered

    def roles(self) -> dict[str, int]:
        """The master's process id; the processes on the hosts are read there."""
        assert self.master
        return {"generator-master": self.master.pid}

    def stop(self) -> None:
        """End the load before its time."""
        self.gathered.hub.stop("the run was stopped")
        super().stop()

    def ended(self, timeout_s: float) -> bool:
        """Return whether the load is over and all files are here. Raises `UserError` for a host that is lost."""
        assert self.master
        hub = self.gathered.hub
        over = self.master.wait(timeout_s)
        if hub.problem:
            self._raise_loss(hub.problem)
        if over and not hub.is_complete:  # a host that sends nothing for long reports it, or is silent
            self._require_load()
            time.sleep(timeout_s)
            return False
        return over

    def _require_load(self) -> None:
        """Raise `UserError` if the master ended before the load was over, or as no process of a host reached it."""
        assert self.master
        if self._text(REFUSED) or self._text(ABORTED) or self.master.process.returncode < 0:
            self._raise_failure(self.master)
        if GAVE_UP in (self.master.log.read_text(errors="replace") if self.master.log.exists() else ""):
            raise UserError(
                f"not all processes of the hosts came to port {self.gathered.locust_port} within "
                f"{CONNECT_S} s; open it to them, or look at the logs {self.directory}/locust-*.log"
            )

    def _raise_loss(self, problem: str) -> None:
        if refusal := self.gathered.hub.refusal:
            raise Refused(refusal)
        lost = [host for host in self.gathered.hub.hosts.values() if host.status == LOST]
        raise UserError("; ".join([problem, *(_lost_text(self.directory, host.processes) for host in lost)]))


def _lost_text(directory: Path, processes: range) -> str:
    """What is lost of a host's rows."""
    rows, last_us = received_rows(directory, processes)
    until = f", the last one sent at {last_us / 1e6:.1f} s of the run" if last_us is not None else ""
    return f"{rows:,} of its rows are here{until}, and what it sent later is lost"


class RunHosts:
    """The hosts of a run, as `target.execute` takes them."""

    def __init__(self, gathered: Gathered):
        self._gathered = gathered

    def generator(self, load: Load, url: str, directory: Path, /) -> AbstractContextManager[HostGenerator]:
        """The load generator of these hosts."""
        return generator(self._gathered, load, url, directory)

    def record(self, directory: Path, /) -> list[dict[str, Any]]:
        """The entries of the hosts in `run.json`."""
        return [host.record(directory) for host in self._gathered.hub.hosts.values()]


@contextmanager
def generator(gathered: Gathered, load: Load, url: str, directory: Path) -> Iterator[HostGenerator]:
    """Run the load generator for the block; at its end no process of it is left on any host."""
    started_ns = time.monotonic_ns()
    environ = load.environ(directory, started_ns, url) | {HOSTS: "1"}
    environ["TRACETRACK_PROCESS"] = f"{load.processes}/{load.processes}"
    with ExitStack() as stack:
        stack.callback(_merge, gathered, directory)
        stack.callback((directory / START_SIGNAL).unlink, missing_ok=True)
        stack.callback(_finish, gathered)
        command = [sys.executable, "-m", "loadgen.generator", *_options(load, gathered)]
        log = directory / "locust.log"
        without = locust_runner.locust_variables()
        master = start("the master of Locust", command, log, environ, without=without)
        stack.enter_context(master)
        stack.push(partial(_stop, gathered))
        gathered.hub.begin(directory, load.processes // gathered.wanted, _plan(load, started_ns, gathered))
        running = HostGenerator(load, (), master, directory, started_ns, gathered)
        yield running


def _options(load: Load, gathered: Gathered) -> list[str]:
    return [
        *load.options(), *load.spawning_options(),
        "--master", "--master-bind-host", gathered.address, "--master-bind-port", str(gathered.locust_port),
        "--expect-workers", str(load.processes), "--expect-workers-max-wait", str(CONNECT_S),
    ]  # fmt: skip


def _plan(load: Load, started_ns: int, gathered: Gathered) -> Mapping[str, Any]:
    """What every host needs to begin."""
    ca = Path(load.tls).read_text() if load.tls and load.tls != INSECURE else ""
    return {
        "load": host_processes.load_fields(load, ca),
        "started_ns": started_ns,
        "locust_port": gathered.locust_port,
    }


def _stop(gathered: Gathered, _: object, error: BaseException | None, *__: object) -> None:
    """Let the hosts that are still at work end, and know why."""
    gathered.hub.stop(record_writer.interruption_reason(error) if error else "the run was stopped")


def _finish(gathered: Gathered) -> None:
    """Wait for the files of the hosts that are still there."""
    for _ in attempts(max(STOP_S, SILENCE_S + 1), 0.05):
        if gathered.hub.is_complete:
            break
    gathered.hub.close()


def _merge(gathered: Gathered, directory: Path) -> None:
    if directory.is_dir():
        remote_readings.merge(directory, [host.number for host in gathered.hub.hosts.values()])

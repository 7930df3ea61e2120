"""Processes of the load generator that are forked from a server, see `generator.fork_server`."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import UserError
from workbench.temporary_folder import temporary_folder

from .subprocesses import Child, deferred_signals, start

MODULE = "loadgen.generator.fork_server"
START_TIMEOUT_S = 60.0


class ForkServer:
    """A running fork server; it forks one process at a time."""

    def __init__(self, child: Child, connection: socket.socket):
        self.child = child
        self._connection = connection
        self._received = b""

    def start(
        self, name: str, arguments: list[str], log: Path, environ: Mapping[str, str], without: Collection[str] = ()
    ) -> Child:
        """Fork a process of the generator; all but `arguments` is as for `subprocesses.start`.

        Raises `UserError` if the server has ended.
        """
        inherited = {name: value for name, value in os.environ.items() if name not in without}
        request = {"arguments": arguments, "environ": {**inherited, **environ}, "log": str(log)}
        with deferred_signals():
            try:
                self._connection.sendall(json.dumps(request).encode() + b"\n")
                answer = self.answer(START_TIMEOUT_S)
            except OSError:
                answer = ""
            if not answer:
                raise UserError(f"the load generator could not be started: {self.child.last_line() or 'no answer'}")
            return Child(name, ForkedProcess(int(answer), self), log, signal.SIGTERM, grace_s=10.0)

    def answer(self, timeout_s: float | None) -> str | None:
        """The next line from the server; None if there is none within the time, empty if the server has ended."""
        while b"\n" not in self._received:
            if not select.select([self._connection], [], [], timeout_s)[0]:
                return None
            chunk = self._connection.recv(4096)
            if not chunk:
                return ""
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line.decode()


class ForkedProcess:
    """A process of a fork server, with what `Child` needs of the interface of `subprocess.Popen`."""

    def __init__(self, pid: int, server: ForkServer):
        self.pid = pid
        self.returncode: int | None = None
        self._server = server

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while the process is running."""
        return self._wait(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once the process has ended. Raises `subprocess.TimeoutExpired`."""
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(MODULE, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _wait(self, timeout_s: float | None) -> int | None:
        if self.returncode is None:
            answer = self._server.answer(timeout_s)
            if answer is not None:
                # The process ends with its server, by this signal.
                self.returncode = int(answer) if answer else -signal.SIGTERM
        return self.returncode


@contextmanager
def serving(environ: Mapping[str, str], without: Collection[str]) -> Iterator[ForkServer]:
    """Run a fork server for the block; `environ` and `without` are as for `subprocesses.start`."""
    connection, other_end = socket.socketpair()
    with temporary_folder("generator") as folder, connection:
        with other_end:
            child = start(
                "the fork server of Locust",
                [sys.executable, "-m", MODULE],
                folder / "log",
                dict(environ),
                without=without,
                stdin=other_end.fileno(),
            )
        with child:
            yield ForkServer(child, connection)

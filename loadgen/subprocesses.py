"""Child processes that never outlive this one, whatever ends it."""

import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import psutil

from workbench.interruption import INTERRUPTIONS

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
# The line of a traceback that says what was raised.
EXCEPTION = re.compile(r"[A-Za-z_.]*(?:Error|Exception)\b")


class Process(Protocol):
    """A process, with the part of `subprocess.Popen` that `Child` uses."""

    pid: int
    returncode: Any

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...


class Child:
    """A running child. Use it as a context manager: leaving it stops the process."""

    def __init__(self, name: str, process: Process, log: Path, stop_signal: int, grace_s: float):
        self.name = name
        self.log = log
        self.process = process
        self._stop_signal = stop_signal
        self._grace_s = grace_s
        self._has_stopped = False

    @property
    def pid(self) -> int:
        return self.process.pid

    def ended(self) -> bool:
        return self.process.poll() is not None

    def wait(self, timeout_s: float) -> bool:
        """Wait for the process to end; return whether it ended within the time."""
        end_s = time.monotonic() + timeout_s
        if not self.ended():
            _wait_for_end(self.pid, timeout_s)
        try:
            self.process.wait(max(0.0, end_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_line(self) -> str:
        """The last line of its log that is not blank."""
        return next((line.strip() for line in reversed(self._log_lines()) if line.strip()), "")

    def last_error(self) -> str:
        """The last exception of a traceback in its log; without one the last line."""
        raised = (line.strip() for line in reversed(self._log_lines()) if EXCEPTION.match(line))
        return next(raised, "") or self.last_line()

    def _log_lines(self) -> list[str]:
        try:
            return self.log.read_text(errors="replace").split("\n")
        except OSError:
            return []

    def kill(self) -> None:
        """Kill the process and its process group at once, without a chance to complete anything."""
        if not self.ended():
            os.killpg(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Send the stop signal, at the first call; after `grace_s` seconds kill the process and all that it started."""
        if self._has_stopped:
            return
        family = self._family()
        if not self.ended():
            self.process.send_signal(self._stop_signal)
        for process in family:
            with suppress(psutil.Error):  # a frozen process gets no signal
                process.resume()
        self.wait(self._grace_s)
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        with suppress(ProcessLookupError):  # also processes whose parent was killed before
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        self._has_stopped = True

    def _family(self) -> list[psutil.Process]:
        try:
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def take_over(self, other: "Child") -> None:
        """Be the process of `other` from now on, which was started again after this one's had ended."""
        self.process = other.process
        self._has_stopped = False

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *exception: object) -> None:
        with deferred_signals():
            self.stop()


def _wait_for_end(pid: int, timeout_s: float) -> None:
    """Return as soon as the process ends, or after the time; at once where the kernel cannot watch a process.

    Python itself looks for the end of a process every 50 ms.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        poller.poll(1000 * timeout_s)
    finally:
        os.close(descriptor)


def start(
    name: str,
    command: list[str],
    log: Path,
    environ: dict[str, str] | None = None,
    *,
    without: Collection[str] = (),
    stop_signal: int = signal.SIGTERM,
    grace_s: float = 10.0,
    prepare: Callable[[], None] | None = None,
    stdin: int = subprocess.DEVNULL,
    folder: Path | None = None,
) -> Child:
    """Start a command in a process group of its own; its output is appended to `log`.

    It inherits the environment, `without` the variables of these names and with those of `environ`. `stdin` is a file
    descriptor for its standard input, `folder` its working directory; None is this process's own.

    On Linux the child gets `stop_signal` when the calling *thread* ends for any reason, SIGKILL included: call it from
    the main thread. `prepare` runs in the child before the command. `grace_s` is how long `Child.stop` waits.
    """
    parent = os.getpid()

    def prepare_child() -> None:
        if prepare:
            prepare()
        die_with_parent(parent, stop_signal)

    child = None
    try:
        # A signal during the fork would be lost: Python ignores what a handler raises within the hooks of a fork.
        with deferred_signals():
            inherited = {name: value for name, value in os.environ.items() if name not in without}
            process = _fork(command, log, inherited | (environ or {}), prepare_child, stdin, folder)
            child = Child(name, process, log, stop_signal, grace_s)
    except BaseException:
        if child:
            child.stop()
        raise
    return child


def _fork(
    command: list[str],
    log: Path,
    environ: dict[str, str],
    prepare_child: Callable[[], None],
    stdin: int,
    folder: Path | None,
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environ,
            start_new_session=True,
            preexec_fn=prepare_child,
        )


def die_with_parent(parent: int, death_signal: int) -> None:
    """Ask the kernel to send this process the signal when its parent ends."""
    if not sys.platform.startswith("linux"):
        return
    _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def die_with_launcher() -> None:
    """End with the process that started this command, if the environment names one as its launcher."""
    launcher = os.environ.pop("TRACETRACK_LAUNCHER", "")
    if launcher:
        die_with_parent(int(launcher), signal.SIGTERM)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Defer Ctrl-C, SIGTERM and SIGHUP until the end of the block: a second one must not leave processes running.

    The handlers are replaced, not the mask: the kernel would give a blocked signal to another thread, and Python would
    then handle it in the main thread all the same. In other threads, which handle no signals, the block just runs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in INTERRUPTIONS}
    received: list[int] = []
    for number, handler in handlers.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])

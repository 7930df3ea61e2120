"""A measurement beside a notebook or a test: `python -m loadgen` in a process of its own, which this one owns.

Locust must never run in a kernel. The process has a session of its own, so that interrupting a cell does not reach it,
and ends when this one does, however that happens.
"""

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from workbench.errors import EXIT_INVALID
from workbench.interruption import EXIT_INTERRUPTED

from .progress import DESCRIPTOR

STOP_S = 30.0  # that it has to end what it started
INTERVAL_S = 0.2  # between two looks at what it has printed
KILLED = ", as the kernel does where memory runs out"


class Measurement:
    """The process of a measurement that was started with these arguments of `python -m loadgen`."""

    def __init__(self, arguments: Sequence[str]):
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self._printed = 0  # lines of the output that were printed here
        self._process = subprocess.Popen(
            [sys.executable, "-m", "loadgen", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "TRACETRACK_LAUNCHER": str(os.getpid())},
            pass_fds=[int(os.environ[DESCRIPTOR])] if DESCRIPTOR in os.environ else [],
        )
        atexit.register(self._end)  # Linux ends it in any case, and nothing waits for it then

    @property
    def is_going(self) -> bool:
        """True until the process has ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Have it end as Ctrl-C does: what was recorded until then stays, and nothing is left running."""
        if self.is_going:
            self._process.terminate()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for its end; returns whether it ended within the time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """End it now, and wait until nothing of it is left."""
        atexit.unregister(self._end)
        self._end()
        self._output.close()

    def lines(self) -> list[str]:
        """What it has printed so far, without a line that it has not completed."""
        is_whole = not self.is_going
        size = os.fstat(self._output.fileno()).st_size
        printed = os.pread(self._output.fileno(), size, 0)
        if not is_whole:
            printed = printed[: printed.rfind(b"\n") + 1]
        return printed.decode(errors="replace").splitlines()

    def print_new_lines(self) -> bool:
        """Print here what it has printed since the last call; returns whether there may be more."""
        is_going, lines = self.is_going, self.lines()
        for line in lines[self._printed :]:
            print(line, flush=True)
        self._printed = max(self._printed, len(lines))
        return is_going

    def problem(self) -> str:
        """Why it did not end well, in one line; empty where it did, was stopped, or goes on."""
        code = self._process.poll()
        if code in (None, 0, EXIT_INVALID, EXIT_INTERRUPTED):
            return ""
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            return f"the measurement was ended by {name}{KILLED if name == 'SIGKILL' else ''}"
        return last_error(self.lines())

    @property
    def was_stopped(self) -> bool:
        """True after Ctrl-C, SIGTERM or `stop`."""
        return self._process.poll() == EXIT_INTERRUPTED

    def result(self) -> str:
        """The last line of what it printed: an id or a folder.

        Raises `RuntimeError` with the error of the command, and `KeyboardInterrupt` where it was stopped.
        """
        last = next(reversed(self.lines()), "")
        if self.was_stopped:
            raise KeyboardInterrupt(last.partition(";")[0])
        if problem := self.problem():
            raise RuntimeError(problem)
        return last

    def _end(self) -> None:
        self.stop()
        self.wait(STOP_S)


def run_experiment(words: Sequence[str]) -> str:
    """Carry out an experiment and wait for its end; print its output and return its id.

    `words` are the options of `python -m loadgen experiment`. Raises `RuntimeError` with the error of the command, and
    `KeyboardInterrupt` if a signal ended it. The command ends if this process does, or is interrupted.
    """
    measurement = Measurement(["experiment", *words])
    try:
        while measurement.print_new_lines():
            time.sleep(INTERVAL_S)
        return measurement.result()
    finally:
        measurement.close()


def last_error(lines: list[str]) -> str:
    """The last error in the output of a command, with the lines that belong to it."""
    starts = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    if starts:
        return "\n".join(lines[starts[-1] :]).removeprefix("Error: ")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"the measurement failed: {last}" if last else "the measurement failed"

"""A measurement in the background of a notebook: `python -m loadgen` in a process of its own, which the kernel owns.

The kernel goes on at once. The process has a session of its own, so that interrupting a cell does not reach it, and
ends when the kernel does, however that happens.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from workbench.errors import EXIT_INVALID
from workbench.interruption import EXIT_INTERRUPTED

from .notebook import KILLED, last_error
from .progress import DESCRIPTOR

STOP_S = 30.0  # that it has to end what it started


class Measurement:
    """The process of a measurement that was started with these arguments of `python -m loadgen`."""

    def __init__(self, arguments: Sequence[str]):
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        # The descriptor of a progress bar is not handed on.
        inherited = {name: value for name, value in os.environ.items() if name != DESCRIPTOR}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "loadgen", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**inherited, "TRACETRACK_LAUNCHER": str(os.getpid())},
        )

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
        self.stop()
        self.wait(STOP_S)
        self._output.close()

    def lines(self) -> list[str]:
        """What it has printed so far."""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace").splitlines()

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

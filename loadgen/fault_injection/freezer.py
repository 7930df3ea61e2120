"""A process that makes others stand still, and lets them go on when its own parent ends for any reason.

A process that stands still sees no signal but SIGKILL: it would outlive a workbench that was killed. Commands come on
standard input, one in a line: `freeze PID` or `thaw PID`. The end of the input thaws all of them.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..subprocesses import start

FREEZE, THAW = "freeze", "thaw"


class Freezer:
    """The end of the pipe that commands go into."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor

    def freeze(self, pid: int) -> None:
        """Make a process stand still."""
        os.write(self._descriptor, f"{FREEZE} {pid}\n".encode())

    def thaw(self, pid: int) -> None:
        """Let a process go on; nothing happens to one that has ended."""
        os.write(self._descriptor, f"{THAW} {pid}\n".encode())


@contextmanager
def freezer(log: Path) -> Iterator[Freezer]:
    """Run the process for the block; after it nothing stands still."""
    reading, writing = os.pipe()
    try:
        with start("freezer", [sys.executable, "-m", __name__], log, stdin=reading) as child:
            os.close(reading)
            reading = -1
            yield Freezer(writing)
            os.close(writing)
            writing = -1
            child.wait(5.0)
    finally:
        for descriptor in (reading, writing):
            if descriptor >= 0:
                os.close(descriptor)


def serve() -> None:
    """Carry out the commands until the input ends."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # that of a parent that has ended: its end of the pipe is closed too
    frozen: set[int] = set()
    try:
        for line in sys.stdin:
            command, pid = line.split()
            _carry_out(command, int(pid), frozen)
    finally:
        for pid in tuple(frozen):
            _carry_out(THAW, pid, frozen)


def _carry_out(command: str, pid: int, frozen: set[int]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # who asked looks whether it stands still
        if command == FREEZE:
            frozen.add(pid)
            os.kill(pid, signal.SIGSTOP)
        elif pid in frozen:  # any other is not ours to wake
            frozen.discard(pid)
            os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    serve()

"""`python -m loadgen run --watch`: a run in the terminal while it goes on.

A process of its own with the lowest priority reads the run's folder and draws, so that neither the load generator nor
the process that takes the readings has anything to do with it. It ends with the run, or with the command.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.live import Live

from workbench.polling import attempts

from .run_progress import RunProgress
from .run_view import line, view
from .subprocesses import die_with_parent

REFRESH_S = 1.0
LINE_EVERY_S = 5.0  # where there is no terminal
PRIORITY = 19
END_S = 2.0  # that it has for the last picture


@contextmanager
def watching(directory: Path) -> Iterator[None]:
    """Show the run that will be in this folder on the error stream, while the block carries it out."""
    parent = os.getpid()
    process = subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.watch", str(directory)],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        start_new_session=True,  # Ctrl-C is for the command, which ends this process
        preexec_fn=lambda: die_with_parent(parent, signal.SIGTERM),
    )
    try:
        yield
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
    finally:
        process.terminate()
        process.wait()


def main(directory: Path) -> None:
    """Show a run until it has ended."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())  # rich then gives the cursor back
    os.nice(PRIORITY)
    progress, console = RunProgress(directory), Console()
    try:
        if console.is_terminal:
            _draw(progress, console)
        else:
            _print_lines(progress)
    except OSError:  # the terminal is gone
        return
    finally:
        progress.close()


def _draw(progress: RunProgress, console: Console) -> None:
    with Live(console=console, auto_refresh=False) as live:
        for _ in _polls(progress):
            live.update(view(progress, console.width), refresh=True)


def _print_lines(progress: RunProgress) -> None:
    due_s = time.monotonic() + LINE_EVERY_S
    for _ in _polls(progress):
        if time.monotonic() >= due_s and progress.is_going:
            print(line(progress), flush=True)
            due_s += LINE_EVERY_S


def _polls(progress: RunProgress) -> Iterator[None]:
    """Yield after each look at the run, the last time when it has ended."""
    for _ in attempts(float("inf"), REFRESH_S):
        progress.poll()
        yield
        if not progress.is_going:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))

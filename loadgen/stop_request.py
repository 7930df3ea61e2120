"""Requests to an experiment that goes on, each a file in its folder: to stop its run of now, or after its block of now.

A request that comes too late does no harm: that for a run names the run, and both are withdrawn when the experiment
starts, is resumed or has ended.
"""

from pathlib import Path

from workbench import atomic
from workbench.errors import UserError
from workbench.interruption import Interrupted
from workbench.polling import attempts

AFTER_BLOCK, RUN = "stop-after-block", "stop-run"
LOOK_S = 1.0  # between two looks while an experiment waits


class StoppedByHand(UserError):
    """The end of a run that was asked to stop: it is aborted, and its experiment goes on without it."""

    def __init__(self) -> None:
        super().__init__("stopped by hand")


def ask(directory: Path) -> None:
    """Ask the experiment in this folder to stop after its block; nothing happens if there is none."""
    if directory.is_dir():
        (directory / AFTER_BLOCK).touch()


def ask_run(directory: Path) -> None:
    """Ask the run in this folder to stop; nothing happens if there is none."""
    if directory.is_dir():
        atomic.write_text(directory.with_name(RUN), directory.name)


def withdraw(directory: Path) -> None:
    """Remove all requests, as of an experiment that is resumed or has ended."""
    for name in (AFTER_BLOCK, RUN):
        (directory / name).unlink(missing_ok=True)


def obey(directory: Path, block: int) -> None:
    """Raise `Interrupted` after this block, counted from 0, if the experiment was asked to stop."""
    if (directory / AFTER_BLOCK).exists():
        withdraw(directory)
        raise Interrupted(f"stopped after block {block + 1}, as requested")


def obey_while_waiting(directory: Path, block: int, wait_s: float) -> None:
    """Wait for so many seconds after this block; raise `Interrupted` as soon as the experiment is asked to stop."""
    for _ in attempts(wait_s, LOOK_S):
        obey(directory, block)


def obey_run(directory: Path) -> None:
    """Raise `StoppedByHand` if the run in this folder was asked to stop."""
    path = directory.with_name(RUN)
    try:
        name = path.read_bytes()
    except OSError:  # there is no request
        return
    if name == directory.name.encode():
        path.unlink(missing_ok=True)
        raise StoppedByHand

"""A request to an experiment that goes on: to stop when the block of now has ended. It is a file in its folder."""

from pathlib import Path

from workbench.interruption import Interrupted

FILE = "stop-after-block"


def ask(directory: Path) -> None:
    """Ask the experiment in this folder to stop after its block; nothing happens if there is none."""
    if directory.is_dir():
        (directory / FILE).touch()


def withdraw(directory: Path) -> None:
    """Remove a request, as of an experiment that is resumed."""
    (directory / FILE).unlink(missing_ok=True)


def obey(directory: Path, block: int) -> None:
    """Raise `Interrupted` after this block, counted from 0, if the experiment was asked to stop."""
    if (directory / FILE).exists():
        withdraw(directory)
        raise Interrupted(f"stopped after block {block + 1}, as requested")

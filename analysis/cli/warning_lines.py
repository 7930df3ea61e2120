"""Warnings of the commands: lines on the error stream."""

from workbench.recording import Run
from workbench.terminal import echo
from workbench.text_cleaning import Target, cleaned


def warn(message: object) -> None:
    """Print one warning."""
    echo(cleaned(f"warning: {message}", Target.LINE), err=True)


def warn_unless_complete(run: Run) -> None:
    """Print a warning for a run that was aborted or cut off."""
    if run.status != "complete":
        warn(f"{run.name} is {run.status}")

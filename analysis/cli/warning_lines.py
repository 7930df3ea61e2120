"""Warnings of the commands: lines on the error stream."""

import click

from workbench.recording import Run


def warn(message: object) -> None:
    """Print one warning."""
    click.echo(f"warning: {message}", err=True)


def warn_unless_complete(run: Run) -> None:
    """Print a warning for a run that was aborted or cut off."""
    if run.status != "complete":
        warn(f"{run.name} is {run.status}")

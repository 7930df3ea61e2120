"""Where an export goes: a file that is there whole or not at all, or the standard output."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from workbench import atomic
from workbench.errors import UserError
from workbench.run_record import FILES


@contextmanager
def writing(output: Path) -> Iterator[Path]:
    """Yield the path to write to; at the end of the block that file becomes `output`, after an error it is removed.

    Raises `UserError` for a path that cannot be one of an export, before anything is written.
    """
    require_writable(output)
    partial = atomic.partial_path(output)
    try:
        with atomic.replacing(output):
            yield partial
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def require_writable(output: Path) -> None:
    """Raise `UserError` for a folder, a device, a file in a folder that is not there, and a file of a recording."""
    if output.is_dir():
        raise UserError(f"{output} is a folder; name a file in it")
    if output.exists() and not output.is_file():
        raise UserError(f"{output} is no regular file; without --output the text goes to the standard output")
    if not output.parent.is_dir():
        raise UserError(f"{output} cannot be written: there is no folder {output.parent}; create it first")
    for folder in output.resolve().parents:
        if any((folder / name).exists() for name in FILES.values()):
            raise UserError(f"{output} is in the recording {folder}, which never changes; choose another folder")


def print_text(parts: Iterable[str]) -> None:
    """Print the parts of a text as they come. A reader that ends early, such as `head`, is no error."""
    try:
        for part in parts:
            click.echo(part, nl=False)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere

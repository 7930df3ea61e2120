"""A rehearsal of a load: the locustfile is imported and its users are looked at; then this process ends."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.redaction import redacted

from . import recording
from .config import USER_CLASSES
from .interface import REHEARSAL

IS_REHEARSAL = REHEARSAL in os.environ


def end() -> None:
    """End this process if it only rehearses: the locustfile can be used."""
    if IS_REHEARSAL:
        sys.exit(0)


@contextmanager
def refused_errors() -> Iterator[None]:
    """In a rehearsal, refuse the locustfile for an exception of the block, with the line in it.

    An error of the network says nothing: a locustfile may ask the application, which a rehearsal does not start.
    """
    try:
        yield
    except Exception as error:
        if not IS_REHEARSAL:
            raise
        if _is_of_network(error):
            sys.exit(0)
        recording.refuse(redacted(f"{type(error).__name__}{_place(error)}{_text(error)}"))


def _is_of_network(error: Exception) -> bool:
    """Whether an error is one of a connection, and not of a file; the clients' own are `OSError` as well."""
    return isinstance(error, OSError) and not isinstance(error.filename, str | bytes | int)


def _place(error: Exception) -> str:
    """The last line of the user's own code that an exception came through; empty without one."""
    folder = USER_CLASSES.parent.resolve()
    frames = [(Path(frame.filename).resolve(), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [(path, line) for path, line in frames if path.is_relative_to(folder) and "site-packages" not in path.parts]
    return f" in {own[-1][0].relative_to(folder)}, line {own[-1][1]}" if own else ""


def _text(error: Exception) -> str:
    text = " ".join(str(error).split())
    where = f"; Locust has the packages of {sys.prefix}" if isinstance(error, ModuleNotFoundError) else ""
    return f": {text}{where}" if text else ""

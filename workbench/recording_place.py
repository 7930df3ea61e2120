"""Where a recording that a command names is: a folder, an id, or a URL of an object store."""

import atexit
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import NamedTuple

from . import object_store
from .paths import recording_path, runs_directory
from .recording import newest_experiment
from .request_schema import STORED
from .temporary_folder import temporary_folder


class RecordingPlace(NamedTuple):
    """A recording's folder; of one in an object store a copy without request rows, and the URL of the `origin`."""

    directory: Path
    origin: str = ""


def recording_place(name: str) -> RecordingPlace:
    """The place of a recording. One in an object store is copied once, for as long as this process lives.

    Raises `RecordingError` where the store has none, or does not answer.
    """
    return _copied(name.rstrip("/")) if object_store.is_url(name) else RecordingPlace(recording_path(name))


def experiment_place(name: str) -> RecordingPlace:
    """The place of an experiment, of the newest complete one for an empty name; raises as `recording_place` does."""
    return recording_place(name) if name else RecordingPlace(newest_experiment(runs_directory()))


@cache
def _copied(url: str) -> RecordingPlace:
    object_store.require_name(url)
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder("recording")) / url.rpartition("/")[2]
        folder.mkdir()
        object_store.mirror(url, folder, STORED)
        atexit.register(stack.pop_all().close)
    return RecordingPlace(folder, url)

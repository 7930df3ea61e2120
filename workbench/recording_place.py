"""Where a recording that a command names is: a folder, an id, or a URL of an object store."""

from pathlib import Path
from typing import NamedTuple

import click

from . import object_store
from .paths import recording_path
from .request_schema import STORED
from .temporary_folder import temporary_folder


class RecordingPlace(NamedTuple):
    """A recording's folder; of one in an object store a copy without request rows, and the URL of the `origin`."""

    directory: Path
    origin: str = ""


def recording_place(name: str) -> RecordingPlace:
    """The place of a recording; a copy of one in an object store lasts as long as the command.

    Raises `RecordingError` where the store has none, or does not answer.
    """
    if not object_store.is_url(name):
        return RecordingPlace(recording_path(name))
    url = name.rstrip("/")
    folder = click.get_current_context().with_resource(temporary_folder("recording")) / url.rpartition("/")[2]
    folder.mkdir()
    object_store.mirror(url, folder, STORED)
    return RecordingPlace(folder, url)

"""Where the request rows of a run are, and what marks them among those of other runs."""

import socket
from pathlib import Path
from typing import NamedTuple

from . import object_store
from .errors import RecordingError
from .request_schema import STORED

IS_OPEN = "is_open"
MARKS = ("run", "deployment", "scenario", "block", "replicate")


class RowsFile(NamedTuple):
    """The file of the stored rows of a run: in its directory, or at a URL with the SHA-256 that its seal has."""

    directory: Path
    url: str = ""
    sha256: str = ""

    @property
    def place(self) -> str:
        """Where it is, for a message."""
        return self.url or str(self.directory / STORED)

    def is_there(self) -> bool:
        """Whether rows have become Parquet; a run that was cut off has streams only."""
        return bool(self.url) or (self.directory / STORED).exists()

    def path(self) -> Path:
        """Its path on this machine; what is at a URL is copied first. Raises `RecordingError` where it is not there."""
        return object_store.local_copy(self.url, self.sha256, STORED) if self.url else self.directory / STORED

    def require_here(self) -> None:
        """Raise `RecordingError` in a worker that does not have the file."""
        if not self.url and not self.directory.exists():
            raise RecordingError(
                f"{self.directory} is not on the worker {socket.gethostname()}; put recordings into a folder that has "
                "the same path on every worker, or into an object store"
            )


class Source(NamedTuple):
    """A run's rows: their file, the columns that can be read, and the marks of each row.

    `without_types` are request types that are left out: `METRIC` stands for the endpoints `METRIC <name>`. `dropped`
    arrivals of the measured phase were never sent, beside `started` tasks (None where these were not counted).
    `has_parts` is False where the column of a part is damaged; a part that is newer than the run is none.
    """

    file: RowsFile
    columns: tuple[str, ...]
    run: str
    deployment: str
    scenario: str
    block: int
    replicate: bool
    without_types: tuple[str, ...] = ()
    dropped: int = 0
    started: int | None = None
    is_open: bool = False
    has_parts: bool = True

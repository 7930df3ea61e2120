"""The code of the application under test: the workbench's own, or that of another checkout."""

import sys
from dataclasses import dataclass
from pathlib import Path

from reference_app.counters import COUNTERS
from reference_app.role_grants import GRANTS
from workbench.paths import REPOSITORY

from .dataset import SCHEMA

PATHS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class AppCode:
    """Where the code is, and what the workbench has to know of it.

    folder: a working tree, whose packages `reference_app` and `instrumentation` serve
    python: the interpreter
    schema: the folder of the SQL files that the database of a run is made with
    counters: the counters of its workers' metrics
    grants: what its role needs in the database
    waits: its server waits for the start signal before it uses the database
    """

    folder: Path = REPOSITORY
    python: str = sys.executable
    schema: Path = SCHEMA
    counters: tuple[str, ...] = COUNTERS
    grants: tuple[str, ...] = GRANTS
    waits: bool = True

    @property
    def configuration(self) -> Path:
        """The configuration of gunicorn."""
        return self.folder / "reference_app" / "gunicorn_conf.py"

    @property
    def working_folder(self) -> Path | None:
        """The working directory of its server, from which Python imports; None leaves that of this process."""
        return None if self.folder == REPOSITORY else self.folder

    @property
    def without(self) -> tuple[str, ...]:
        """Variables of the environment that its server does not get, as they would lead to other code."""
        return () if self.folder == REPOSITORY else PATHS


OWN = AppCode()

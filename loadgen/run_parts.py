"""What a run needs beside its load, and the start of its application."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reference_app.passwords import MEMORY_BYTES

from . import application, deployments, run_database
from .app_code import AppCode
from .app_environment import AppEnvironment
from .application import StartingApplication
from .checkout import Codes
from .memory import memory_outcome
from .memory.memory_limit import MemoryLimit
from .memory.memory_watch import Kill
from .run_database import RunDatabase
from .run_spec import RunSpec, run_name
from .run_stages import RunStages
from .scenarios import Scenario

START_SIGNAL = "application-start"


@dataclass(frozen=True)
class RunParts:
    """What a run needs beside its load: database, app environment and port of the application, record and stages."""

    database: RunDatabase
    environment: AppEnvironment
    port: int
    record: dict
    stages: RunStages
    directory: Path
    following: RunSpec | None
    scenario: Scenario
    codes: Codes
    code: AppCode

    @property
    def log(self) -> Path:
        return self.directory / "gunicorn.log"

    def record_memory(self, limit: MemoryLimit, kills: Sequence[Kill], peak_pss_bytes: int | None) -> None:
        """Record the memory of the application, and what a password hash takes of it."""
        hash_bytes = MEMORY_BYTES[self.environment.settings.password_hash]
        self.record["memory"] = memory_outcome.record(limit, kills, peak_pss_bytes, self.log)
        self.record["memory"]["hash_bytes"] = hash_bytes

    @contextmanager
    def starting_application(self) -> Iterator[StartingApplication]:
        """Start the application, and prepare the database while its master imports what it needs.

        One that does not wait for the start signal before it uses the database is started after that.
        """
        signal = self.environment.folder / START_SIGNAL
        environment = self.environment
        if not self.code.waits:
            self._prepare_database()
        with application.starting(
            environment.settings,
            self.log,
            self.port,
            start_signal=signal,
            code=self.code,
            memory=environment.memory,
            environ={**environment.environ, "TMPDIR": str(environment.temporary)},
        ) as starting:
            if self.code.waits:
                self._prepare_database()
            yield starting

    def _prepare_database(self) -> None:
        """Wait until the database is cloned and set up."""
        self.stages.begin("clone")
        self.database.prepare()
        if self.scenario.sql_before:
            run_database.change(self.database.server, self.database.name, self.scenario.sql_before)
        self.stages.begin("application")

    def begin_stopping(self) -> None:
        """Note that the load is over and its readings are taken: from now on the server may clone for the next run."""
        self.stages.begin("stop")
        if self.following:
            indexes = deployments.settings_for(self.following.deployment).indexes
            schema = self.codes.of(self.following).schema
            self.database.begin_next(run_name(self.following), self.following.scale, indexes, schema)

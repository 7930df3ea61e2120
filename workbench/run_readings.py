"""What was read of processes, pools and the database during a run, and what its application logged."""

import json
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .defects import Defect
from .errors import RecordingError
from .reading_schema import READINGS
from .record_files import open_regular
from .seal import LOG

MAX_LOG_BYTES = 32 * 2**20  # of which questions are asked; an application writes a line a request at most


class RunReadings:
    """The tables of readings of a run's directory, without damaged ones."""

    directory: Path

    @property
    def defects(self) -> tuple[Defect, ...]:
        """The defects of the run's files."""
        raise NotImplementedError

    @cached_property
    def process(self) -> pd.DataFrame:
        """Readings of the processes, as on disk; empty where there are none."""
        return self._readings("process")

    @cached_property
    def pool(self) -> pd.DataFrame:
        """Readings of the workers' pools, as on disk; empty where there are none."""
        return self._readings("pool")

    @cached_property
    def memory(self) -> pd.DataFrame:
        """Readings of the application's memory by process, as on disk; empty where there are none."""
        return self._readings("memory")

    @cached_property
    def resources(self) -> pd.DataFrame:
        """Readings of descriptors, sessions, temporary files, log and backends, as on disk; empty without any."""
        return self._readings("resources")

    @cached_property
    def database(self) -> pd.DataFrame:
        """Readings and deltas of the database, as on disk; empty where there are none."""
        return self._readings("database")

    @cached_property
    def log(self) -> list[dict]:
        """The JSON lines of the application's log."""
        try:
            with open_regular(self.directory / LOG) as file:
                lines = file.read(MAX_LOG_BYTES).decode(errors="replace").splitlines()
        except (OSError, RecordingError):
            return []
        return [entry for line in lines if (entry := _entry(line)) is not None]

    def _readings(self, name: str) -> pd.DataFrame:
        """One table of readings; empty where it is missing or has a defect."""
        path = self.directory / f"{name}.parquet"
        # A file may have gone or changed since its defects were looked for.
        with suppress(OSError, pa.ArrowException):
            if path.exists() and not self._has_defect(path):
                with pq.ParquetFile(path) as file:
                    names = [column.name for column in READINGS[name] if column.name in file.schema_arrow.names]
                    return file.read(columns=names).to_pandas()
        return pd.DataFrame(columns=[column.name for column in READINGS[name]])

    def _has_defect(self, path: Path) -> bool:
        return any(path.name in defect.problem for defect in self.defects)


def _entry(line: str) -> dict | None:
    """The JSON object of a log line; None where it is no JSON object."""
    if not line.startswith("{"):
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None

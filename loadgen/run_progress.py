"""A run while it goes on, read from its folder: nothing is asked of the processes that make the load.

progress = RunProgress(directory)
progress.poll()          # reads what was appended since the last call
progress.seconds(60)     # the last minute, a row a second
progress.left_s          # seconds, or None where the load ends with its last request
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench import run_record
from workbench.errors import RecordingError
from workbench.fault_bands import Band, bands
from workbench.faults import KEY
from workbench.request_schema import STORED, STREAMS

from .collectors import live_readings
from .run_seconds import RunSeconds, Second
from .scenarios import Scenario
from .stream_tail import LineTail, RequestTail

RUNNING = "running"
STARTING, ENDING = "starting", "ending"  # before the first response, and while what was recorded is put together
COLUMNS = ("start_us", "scheduled_us", "latency_us", "error", "phase")
MAX_RECORDED_ROWS = 2_000_000  # that are read at once
MAX_STREAMS = 64  # processes of a load generator


class RunProgress:
    """What is known of a run so far; `poll` brings it up to date. The folder need not be there yet."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.record: dict[str, Any] = {}
        self.problem = ""  # why its record cannot be read any more
        self._modified_ns = 0
        self._run_seconds: RunSeconds | None = None
        self._tails: dict[Path, RequestTail] = {}
        self._in_flight: dict[Path, int] = {}
        self._pool = LineTail(directory / live_readings.FILE)

    def poll(self) -> None:
        """Read what was appended since the last call."""
        self._read_record()
        if self._run_seconds is None:
            return
        for path in sorted(self.directory.glob(STREAMS))[:MAX_STREAMS]:
            self._tails.setdefault(path, RequestTail(path))
        for path, tail in self._tails.items():
            for rows, in_flight in tail.new():
                self._run_seconds.add(rows)
                if in_flight is not None:
                    self._in_flight[path] = in_flight
                    self._run_seconds.note_in_flight(sum(self._in_flight.values()))
        for line in self._pool.new():
            self._note_pool(self._run_seconds, line)
        if not self.is_going:
            self._read_recorded()

    def close(self) -> None:
        """Close the files of the run."""
        self._pool.close()
        for tail in self._tails.values():
            tail.close()

    @property
    def status(self) -> str:
        """The status in its record, `running` while it goes on; empty before it has one."""
        return str(self.record.get("status", ""))

    @property
    def is_going(self) -> bool:
        """True until the run has ended, and while it has not begun."""
        return self.status in ("", RUNNING)

    @property
    def phase(self) -> str:
        """The phase of the newest row; `starting` before the first, the status after the end."""
        if not self.is_going:
            return self.status
        return (self._run_seconds.phase if self._run_seconds else "") or STARTING

    @property
    def scenario(self) -> Scenario | None:
        """Its load; None before the run has a record."""
        return Scenario.from_record(self.record["scenario"]) if self.record else None

    @property
    def deployment(self) -> str:
        """The name of what is put under load."""
        return str(self.record["deployment"]["name"]) if self.record else ""

    @property
    def elapsed_s(self) -> int:
        """Seconds from the first request to the newest row."""
        return self._run_seconds.elapsed_s if self._run_seconds else 0

    @property
    def left_s(self) -> float | None:
        """Seconds of load that are left; None where the load ends with its last request, or is not known yet."""
        scenario = self.scenario
        if scenario is None or not scenario.duration_s:
            return None
        load_s = self._run_seconds.load_s if self._run_seconds else 0.0
        return max(0.0, scenario.warmup_s + scenario.duration_s - load_s)

    @property
    def expected_requests(self) -> int | None:
        """The number of requests of the whole run; None where it ends by the clock."""
        scenario = self.scenario
        return scenario.expected_requests() if scenario else None

    @property
    def successes(self) -> int:
        """Successful responses so far, warm-up included."""
        return self._run_seconds.successes if self._run_seconds else 0

    @property
    def failures(self) -> int:
        """Failures so far, warm-up included."""
        return self._run_seconds.failures if self._run_seconds else 0

    @property
    def errors(self) -> list[tuple[str, int]]:
        """The kinds of failures so far with their numbers, the most frequent first."""
        return self._run_seconds.errors.most_common() if self._run_seconds else []

    @property
    def faults(self) -> list[Band]:
        """The faults that were made so far; one that is in force lasts until now."""
        if self._run_seconds is None:
            return []
        first_ms = self._run_seconds.begin_ms
        return bands(self.record.get(KEY) or (), first_ms, first_ms + self.elapsed_s * 1000)

    @property
    def time_name(self) -> str:
        """The time that percentiles are of."""
        return "response time" if self._is_open() else "latency"

    def seconds(self, number: int) -> list[Second]:
        """The last seconds, a row each."""
        return self._run_seconds.seconds(number) if self._run_seconds else []

    def whole_seconds(self, number: int) -> list[Second]:
        """The last seconds without the one of now, which is not over."""
        return self.seconds(number + 1)[:-1] if self.is_going else self.seconds(number)

    def notes(self) -> Iterator[str]:
        """Yield a sentence for each thing that is missing from what is shown."""
        if self.problem:
            yield f"What is shown is the last that could be read: {self.problem}."
        if self._run_seconds and self._run_seconds.late:
            yield f"{self._run_seconds.late} rows came so late that their second's percentiles lack them."

    def _read_record(self) -> None:
        path = self.directory / "run.json"
        try:
            modified_ns = path.stat().st_mtime_ns
            if modified_ns == self._modified_ns:
                return
            record = run_record.read(self.directory, "run").content
        except (OSError, RecordingError) as error:  # the last one stays
            self.problem = self._problem(error)
            return
        self._modified_ns, self.record, self.problem = modified_ns, record, ""
        if self._run_seconds is None:
            self._run_seconds = RunSeconds(is_open=self._is_open())

    def _problem(self, error: Exception) -> str:
        """What is wrong with its record; empty where it has none yet."""
        if self.directory.is_dir():
            return str(error) if (self.directory / run_record.FILES["run"]).exists() else ""
        return f"its folder {self.directory} is gone" if self.record else ""

    def _is_open(self) -> bool:
        return bool(self.record) and self.record["scenario"]["kind"] == "open"

    @staticmethod
    def _note_pool(run_seconds: RunSeconds, line: dict[str, Any]) -> None:
        values = [line.get(name) for name in ("second", "checked_out", "pending")]
        if all(isinstance(value, int) for value in values):
            run_seconds.note_pool(*values)  # type: ignore[arg-type]

    def _read_recorded(self) -> None:
        """Take the stored rows of a run that has ended, where rows were written after the last look."""
        rows = self.record.get("rows")
        if not isinstance(rows, int) or self.successes + self.failures >= rows or rows > MAX_RECORDED_ROWS:
            return
        with suppress(OSError, pa.ArrowException):
            stored = pq.read_table(self.directory / STORED, columns=list(COLUMNS))
            self._run_seconds = RunSeconds.of_recorded(stored, is_open=self._is_open())

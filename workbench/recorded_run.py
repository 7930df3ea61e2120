"""A recorded run: its record and its tables, opened for reading. Nothing here changes a file.

Durations are integer microseconds on disk and float milliseconds once read. A run that was cut off is readable; its
`status` says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from . import aggregates, defects, display, engines, imported
from .arms import START
from .defects import Defect
from .errors import RecordingError
from .faults import KEY as FAULTS
from .faults import RUN_ENDS, kind_of
from .record_format import format_note, seal_note
from .request_rows import PARTS_US, RAW_COLUMNS, RequestRows
from .request_schema import MEASURE, SCHEMA, STORED
from .row_source import IS_OPEN, MARKS, RowsFile, Source
from .rows_check import Examination, RowsCheck, examined
from .run_readings import RunReadings
from .server_timing_header import discarded_note

COUNTS = ("endpoint", "requests", "failures")
LATENCIES = ("mean_ms", "median_ms", "p95_ms", "p99_ms", "max_ms")
RESPONSE_TIMES = ("response_mean_ms", "response_median_ms", "response_p95_ms", "response_p99_ms", "response_max_ms")


@dataclass(frozen=True, eq=False)
class Run(RunReadings):
    """One run: its record (`run.json`) and its frames, without the rows of the request types `without_types`.

    `mismatches` are the defects of its record against its seals. With `checks_digests` the content of large files
    is compared with the seals too, not only their sizes. `origin` is the URL of an object store that has its rows.
    """

    directory: Path
    record: dict
    mismatches: tuple[Defect, ...] = ()
    checks_digests: bool = False
    without_types: tuple[str, ...] = ()
    origin: str = ""

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def deployment(self) -> str:
        return self.record["deployment"]["name"]

    @property
    def scenario(self) -> str:
        return self.record["scenario"]["name"]

    @property
    def block(self) -> int:
        return self.record["block"]

    @property
    def replicate(self) -> bool:
        """Whether it is the A/A replicate of a run in the same block; either of the two may come first."""
        return self.record.get("replicate", False)

    @property
    def status(self) -> str:
        """complete, aborted, or `cut off` where the run never came to its end."""
        return "cut off" if self.record["status"] == "running" else self.record["status"]

    @property
    def was_stopped_by_hand(self) -> bool:
        """True for a run of an experiment that was asked to stop: the experiment went on, and does not repeat it."""
        return self.status == "aborted" and bool(self.record.get("stopped_by_hand"))

    @property
    def was_ended_by_fault(self) -> bool:
        """True for a run that its fault ended, as that fault does: its end is the outcome."""
        kind = kind_of(self.scenario)
        was_made = any(fault["begin_us"] is not None for fault in self.record.get(FAULTS) or ())
        return kind is not None and kind.promise == RUN_ENDS and was_made and self.status != "complete"

    @property
    def is_final(self) -> bool:
        """True for a run that its experiment does not repeat: complete, stopped by hand, or ended by its fault."""
        return self.status == "complete" or self.was_stopped_by_hand or self.was_ended_by_fault

    @property
    def is_open(self) -> bool:
        """Whether its load is open: requests are due by a schedule, and the response time counts from there."""
        return self.record["scenario"]["kind"] == "open"

    @property
    def has_load(self) -> bool:
        """False for a run that starts the application only, and for one whose application did not start."""
        started = (self.record.get("outcome") or {}).get("started", True)
        return self.record["scenario"]["kind"] != START and started

    @property
    def dropped(self) -> Mapping[str, int]:
        """Dropped arrivals by phase; empty where none was dropped."""
        counts = self._generator_counts("dropped")
        return {phase: number for phase, number in counts.items() if number}

    def _generator_counts(self, name: str) -> Mapping[str, int]:
        """Counts of the load generator by phase; empty in a record without them."""
        counts = self.record.get("generator", {}).get(name)
        return counts if isinstance(counts, dict) else {}

    @cached_property
    def defects(self) -> tuple[Defect, ...]:
        """Defects of its files, and the questions without an answer because of them."""
        # Rows that are elsewhere are examined there; those of a start are read by nobody, and stay in the store.
        is_elsewhere = self.has_rows_elsewhere and (self.has_load or bool(self.origin))
        return (
            *self.mismatches,
            *defects.of_files(
                self.directory,
                self.record,
                digests=self.checks_digests,
                without=[STORED] if is_elsewhere else [],
            ),
            *(self.rows_check.defects if self.has_load else ()),
            *defects.of_readings(self.directory),
        )

    def is_readable(self) -> bool:
        """Whether questions about its requests have answers."""
        return not any(defect.is_total for defect in self.defects)

    def is_valid(self) -> bool:
        """Whether its gates passed and nothing is wrong with its files."""
        return bool(self.record["valid"]) and self.is_readable()

    def defect_of(self, *columns: str) -> Defect | None:
        """The defect of the first of these columns of its request rows that has one."""
        return next((defect for defect in self.defects if defect.column in columns), None)

    @cached_property
    def rows(self) -> RequestRows:
        """Its request rows, for SQL."""
        return RequestRows([self.source])

    @property
    def source(self) -> Source:
        """Where its request rows are, and what marks them among those of other runs."""
        marks = self.name, self.deployment, self.scenario, self.block, self.replicate
        dropped, started = self.dropped.get(MEASURE, 0), self._generator_counts("started_tasks").get(MEASURE)
        return Source(
            self.rows_file,
            self._columns,
            *marks,
            without_types=self.without_types,
            dropped=dropped,
            started=started or None,
            is_open=self.is_open,
            has_parts=not self.defect_of(*PARTS_US),
        )

    @property
    def rows_file(self) -> RowsFile:
        """The file of its stored rows, here or in an object store; in a store only what was sealed is read."""
        entry = (self.record.get("files") or {}).get(STORED)
        if not self.origin or entry is None:
            return RowsFile(self.directory)
        return RowsFile(self.directory, f"{self.origin}/{STORED}", entry["sha256"])

    @property
    def has_rows_elsewhere(self) -> bool:
        """Whether its stored rows are read by workers, or are in an object store."""
        return bool(self.origin) or engines.cluster() is not None

    @property
    def examination(self) -> Examination:
        """How its stored rows are examined."""
        entry = (self.record.get("files") or {}).get(STORED)
        is_elsewhere = self.has_rows_elsewhere
        facts = {name: self.record.get(name) for name in ("rows", imported.KEY)}
        return Examination(self.rows_file, entry, facts, self.checks_digests, is_elsewhere)

    @cached_property
    def rows_check(self) -> RowsCheck:
        """What is wrong with its stored rows."""
        (result,) = examined([self.examination])
        return result

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        """The columns of its request rows that can be read."""
        absent = self.rows_check.absent if self.is_readable() else set()
        lacking = absent | {defect.column for defect in self.defects}
        return tuple(name for name in SCHEMA.names if name not in lacking)

    @cached_property
    def totals(self) -> pd.Series | None:
        """Its row of `aggregates.by_run`; None if it measured nothing."""
        table = aggregates.by_run(self.rows) if self.is_readable() else pd.DataFrame()
        return None if table.empty else table.iloc[0]

    @cached_property
    def by_endpoint(self) -> pd.DataFrame:
        """`aggregates.by_endpoint` of this run."""
        return aggregates.by_endpoint(self.rows)

    @cached_property
    def requests(self) -> pd.DataFrame:
        """One row a request in the order of their sends, with times in ms.

        `rest_ms` is the application's time less its parts, `residual_ms` the latency less queue and application. It
        holds all rows in memory: for a look at one run. Raises `RecordingError` where nothing can be read.
        """
        if total := next((defect for defect in self.defects if defect.is_total), None):
            raise RecordingError(f"{self.directory} cannot be read: {total.problem}")
        left_out = ", ".join((*MARKS, IS_OPEN, *RAW_COLUMNS))
        frame = self.rows.query(f"SELECT * EXCLUDE ({left_out}) FROM requests ORDER BY start_ms, user, sequence")
        if frame.empty:
            raise RecordingError(f"{self.directory} has no request rows: the run ended before its first request")
        return frame

    @property
    def measured(self) -> pd.DataFrame:
        """The rows of the measured phase."""
        return self.requests[self.requests["phase"] == MEASURE]

    def summary(self) -> Sequence[str]:
        """Lines that say what it is, whether it is valid, and what is wrong with its files."""
        return [*self.headline(), *self.notes(), *map(str, self.defects)]

    def headline(self) -> Sequence[str]:
        """The line that says what it is and whether it is valid; another one where request types are left out."""
        reasons = "; ".join(self.record["reasons"]) or "it did not end by itself"
        if self.is_valid():
            validity = "valid"
        else:
            validity = "not valid: its files cannot be used" if self.record["valid"] else f"not valid: {reasons}"
        first = f"{self.deployment} under {self.scenario}, {self.status}, {validity}{self.dropped_text()}"
        return [first, *([f"without requests of type {', '.join(self.without_types)}"] if self.without_types else [])]

    def dropped_text(self) -> str:
        """What a line about the run says of dropped arrivals; empty without any."""
        if not self.dropped:
            return ""
        phases = ", ".join(f"{number} of {phase}" for phase, number in self.dropped.items())
        return f"; {sum(self.dropped.values())} dropped arrivals ({phases}), slower than every latency below"

    def notes(self) -> list[str]:
        """Lines about its record: its import, an older format, no seal, timings that were discarded."""
        made_from = imported.notes(self.record)
        return [*made_from, *format_note(self.record), *seal_note(self.record), *discarded_note(self.record)]

    def overview(self) -> pd.DataFrame:
        """A row for each endpoint: requests, failures by kind, and latency of the successful ones.

        Of open load the response time stands beside the latency.
        """
        if not self.is_readable():
            return pd.DataFrame()
        times = [*LATENCIES, *(RESPONSE_TIMES if self.is_open else ())]
        return display.with_failures(self.by_endpoint, COUNTS, times)

    def __repr__(self) -> str:
        return display.text(self.summary(), self.overview())

    def _repr_html_(self) -> str:
        return display.html(self.summary(), self.overview())

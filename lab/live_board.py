"""The board of an experiment that goes on: deployment × block, with each run's p95 and validity as it ends."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import duckdb
import pandas as pd

from analysis.running_effects import RunningEffect, primary_columns, running_effects, values_of
from loadgen import scenarios
from loadgen.plan import OVERHEAD_S
from workbench import run_record
from workbench.errors import RecordingError, UsageError
from workbench.recorded_experiment import planned
from workbench.recording import open_run
from workbench.text_cleaning import Target, cleaned

from . import texts

COLUMNS = ["deployment", "scenario", "block", "run", "state", "p95_ms", "reason"]
VALID, INVALID, GOING, WAITING = "valid", "not valid", "going", "waiting"
MARKS = {VALID: "●", INVALID: "○", GOING: "…", WAITING: ""}
CELL = "white-space:nowrap;padding:1px 10px"
COLOURS = {VALID: "#3c8d53", INVALID: "#c0392b", GOING: "#d98032", WAITING: "inherit"}


class Ended(NamedTuple):
    """A run that has ended: its p95 in ms, why it is not valid (empty where it is), and the seconds that it took."""

    p95_ms: float | None
    reason: str
    took_s: float


class Board:
    """The runs of an experiment by arm and block; `look` reads what has ended since, a few runs at a time."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.record: dict[str, Any] = {}
        self.going: Path | None = None  # the folder of the run that goes on
        self.effects: list[RunningEffect] = []
        self._ended: dict[str, Ended] = {}
        self._unreadable: dict[str, str] = {}  # runs whose record cannot be read, each with what is wrong
        self._values: list[dict[str, Any]] = []
        self._modified_ns = 0

    def look(self, at_once: int | None = None) -> None:
        """Read the runs that have ended since, at most so many."""
        self._read_record()
        known, self.going, self._unreadable = len(self._ended), None, {}
        for name in [entry["run"] for entry in self.entries if entry["run"] not in self._ended]:
            if self._read_run(name) and len(self._ended) - known == at_once:
                break
        if len(self._ended) > known:
            self.effects = running_effects(self.record, pd.DataFrame(self._values))

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The planned runs."""
        return planned(self.record) if self.record else []

    @property
    def is_complete(self) -> bool:
        """True for an experiment that has ended by itself."""
        return self.record.get("status") == "complete"

    @property
    def table(self) -> pd.DataFrame:
        """A row for each planned run."""
        return pd.DataFrame([self._row(entry) for entry in self.entries], columns=COLUMNS)

    @property
    def left_s(self) -> float:
        """Seconds that the remaining runs are expected to take: as long as runs of the same arm took so far."""
        took_s: dict[tuple[str, str], list[float]] = {}
        for entry in self.entries:
            if ended := self._ended.get(entry["run"]):
                took_s.setdefault(_arm(entry), []).append(ended.took_s)
        left = [_arm(entry) for entry in self.entries if entry["run"] not in self._ended]
        return sum(fmean(took_s[arm]) if arm in took_s else _expected_s(arm[1]) for arm in left)

    @property
    def blocks_ended(self) -> int:
        """The number of blocks of which no run is left."""
        left = [entry.get("block", 0) for entry in self.entries if entry["run"] not in self._ended]
        return min(left, default=max((entry.get("block", 0) + 1 for entry in self.entries), default=0))

    @property
    def ended(self) -> int:
        """The number of runs that have ended."""
        return len(self._ended)

    @property
    def invalid(self) -> list[str]:
        """Of each run that is not valid the first reason."""
        return [reason for each in self._ended.values() if (reason := each.reason)] + list(self._unreadable.values())

    @property
    def is_gone(self) -> bool:
        """True where the folder was there and is not any more."""
        return bool(self.record) and not self.directory.is_dir()

    def html(self) -> str:
        """The board as a table: an arm a row, a block a column."""
        table = self.table
        if table.empty:
            return ""
        blocks = sorted(table["block"].unique())
        head = "".join(f"<th scope='col' style='text-align:right;{CELL}'>block {block}</th>" for block in blocks)
        rows = (
            f"<tr>{_arm_header(*map(str, arm))}{''.join(_cell(runs[runs['block'] == block]) for block in blocks)}</tr>"
            for arm, runs in table.groupby(["deployment", "scenario"], sort=False)
        )
        return (
            f"<div style='max-height:24em;overflow:auto'><table style='line-height:1.5'>"
            f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        )

    def _read_record(self) -> None:
        path = self.directory / "experiment.json"
        try:
            if (modified_ns := path.stat().st_mtime_ns) != self._modified_ns:
                record = run_record.read(self.directory, "experiment").content
                self._modified_ns, self.record = modified_ns, record
        except (OSError, RecordingError):
            return  # it has not begun, or its record was damaged: the last one stays

    def _read_run(self, name: str) -> bool:
        """Read a run if it has ended; returns whether it has."""
        directory = self.directory / name
        if not directory.is_dir():
            if f"{name}/run.json" in (self.record.get("files") or {}):
                self._unreadable[name] = "its folder is gone"
            return False
        try:
            run = open_run(directory)
            if run.record["status"] == "running":
                self.going = directory
                return False
            totals, values = run.totals, values_of(run, primary_columns(self.record))
        except (RecordingError, OSError, duckdb.Error) as error:  # it is being written, or was deleted
            if (directory / "run.json").exists():
                self._unreadable[name] = str(error).removeprefix(f"{directory}/")
            return False
        column = "response_p95_ms" if run.is_open else "p95_ms"
        reason = "" if run.is_valid() else next(iter([*run.record["reasons"], *map(str, run.defects)]), run.status)
        p95_ms = None if totals is None else float(totals[column])
        self._ended[name] = Ended(p95_ms, reason, _took_s(run.record))
        self._values.append(values)
        return True

    def _row(self, entry: Mapping[str, Any]) -> tuple:
        name, p95_ms, reason, state = entry["run"], None, self._unreadable.get(entry["run"], ""), WAITING
        if ended := self._ended.get(name):
            p95_ms, reason, state = ended.p95_ms, ended.reason, VALID
        elif self.going is not None and self.going.name == name:
            state = GOING
        return (*_arm(entry), entry.get("block", 0) + 1, name, INVALID if reason else state, p95_ms, reason)


def _expected_s(scenario: str) -> float:
    """Seconds that a run of an arm without any takes by its scenario."""
    try:
        return OVERHEAD_S + scenarios.find(scenario).expected_s()
    except UsageError:
        return OVERHEAD_S


def _arm(entry: Mapping[str, Any]) -> tuple[str, str]:
    return str(entry.get("arm") or entry.get("deployment", "–")), str(entry.get("scenario", "–"))


def _took_s(record: Mapping[str, Any]) -> float:
    try:
        started, ended = (datetime.fromisoformat(record[name]) for name in ("started", "ended"))
        return (ended - started).total_seconds()
    except (KeyError, TypeError, ValueError):
        return OVERHEAD_S


def _cell(runs: pd.DataFrame) -> str:
    return f"<td style='text-align:right;{CELL}'>{' '.join(_marked(run) for run in runs.itertuples())}</td>"


def _marked(run: Any) -> str:
    value = "" if run.p95_ms is None or pd.isna(run.p95_ms) else texts.milliseconds(run.p95_ms)
    title = escape(cleaned(f"{run.run}: {run.state} {run.reason}", Target.LINE), quote=True)
    return f"<span title='{title}'>{value} <span style='color:{COLOURS[run.state]}'>{MARKS[run.state]}</span></span>"


def _arm_header(deployment: str, scenario: str) -> str:
    names = [cleaned(name, Target.HTML) for name in (deployment, scenario)]
    return f"<th scope='row' style='text-align:left;{CELL}'>{names[0]} <span style='opacity:.7'>{names[1]}</span></th>"

"""The gates of a run that has ended: its files and its record, given to `workbench.validity`."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from workbench import validity
from workbench.validity import Gate

from .arrivals import arrival_times_s
from .scenarios import Scenario

MAX_COUNTED_ARRIVALS = 10_000_000  # drawing more of them takes longer than the check is worth


def evaluate(directory: Path, record: dict, scenario: Scenario) -> list[Gate]:
    """The gates of the run in `directory`, each with its value."""
    summary = record.get("generator") or {}  # a record that another tool wrote may lack what ours have
    readings, rows = directory / "process.parquet", directory / "requests.parquet"
    recorded = pq.read_schema(rows).names  # older recordings have fewer columns
    return validity.gates(
        pd.read_parquet(rows, columns=[name for name in validity.COLUMNS if name in recorded]),
        pd.read_parquet(readings) if readings.exists() else None,
        summary={**summary, "hosts": record.get("hosts")},
        processes=record.get("processes", summary.get("processes", 1)),
        users=scenario.users or None,
        due=_due_tasks(record, scenario),
        expected=_expected_rows(record, scenario),
        served=record.get("served"),
        witnesses=record.get("witnesses"),
        kind=scenario.kind,
        steady=scenario.steady,
        shared_machine=record["environment"].get("shared_machine", False),
    )


def of_recording(directory: Path, record: Mapping) -> list[Gate]:
    """The gates of a recorded run, evaluated again from its files; `record` is its checked record."""
    return evaluate(directory, dict(record), Scenario.from_record(record["scenario"]))


def _expected_rows(record: dict, scenario: Scenario) -> int | None:
    """The number of rows of a complete run; None where it is not fixed, as with a user's own locustfile.

    Where the scenario does not fix the number, each started task is one request, and open load has one login for each
    user before it, as has a load with a carrier.
    """
    if record["status"] != "complete" or record.get("locustfile"):
        return None
    started = (record.get("generator") or {}).get("started_tasks")
    if scenario.kind in ("sustained", "open") and started:
        return sum(started.values()) + scenario.initial_logins()
    return scenario.expected_requests()


def _due_tasks(record: dict, scenario: Scenario) -> int | None:
    """The number of tasks in the schedule of an open load; None for other loads and for very long schedules."""
    if record["status"] != "complete" or scenario.kind != "open" or "seed" not in record:
        return None
    if sum(piece.requests for piece in scenario.pieces) > MAX_COUNTED_ARRIVALS:
        return None
    return sum(1 for _ in arrival_times_s(scenario.pieces, scenario.arrivals, f"{record['seed']}/arrivals"))

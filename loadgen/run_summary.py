"""The summary of a run that has ended, in lines: failures, what could not be sent, and why the run is not valid."""

from collections import Counter
from pathlib import Path

import pandas as pd

from workbench import validity
from workbench.text_cleaning import Target, cleaned

MAX_KINDS = 5  # of errors in a line
COLUMNS = ["phase", "scheduled_us", "start_us", "ok", "error"]


def lines(directory: Path, record: dict) -> list[str]:
    """The lines to print; none for a valid run in which every request was sent and successful."""
    rows = pd.read_parquet(directory / "requests.parquet", columns=COLUMNS)
    summary = [*_failures(rows), *_task_errors(record), *_broken_connections(record), *_missed_rate(rows, record)]
    if not record["valid"]:
        summary.append("This run is not valid: " + "; ".join(record["reasons"]))
    return summary


def _failures(rows: pd.DataFrame) -> list[str]:
    kinds = Counter(rows.loc[~rows["ok"], "error"])
    return [f"{kinds.total()} of {len(rows)} requests failed: {_by_kind(kinds)}"] if kinds else []


def _task_errors(record: dict) -> list[str]:
    kinds = Counter(record["generator"].get("task_errors"))
    return [f"{kinds.total()} tasks ended with an error: {_by_kind(kinds)}"] if kinds else []


def _broken_connections(record: dict) -> list[str]:
    times = record.get("database_lost")
    if not times:
        return []
    often = "once" if times == 1 else f"{times} times"
    cause = "as all do when one of its processes is killed; its log says why"
    return [f"A connection to PostgreSQL broke {often} in mid-run, {cause}"]


def _by_kind(kinds: Counter[str]) -> str:
    shown = ", ".join(f"{count} × {cleaned(kind, Target.LINE)}" for kind, count in kinds.most_common(MAX_KINDS))
    return f"{shown} and {len(kinds) - MAX_KINDS} kinds more" if len(kinds) > MAX_KINDS else shown


def _missed_rate(rows: pd.DataFrame, record: dict) -> list[str]:
    """The rate of an open load that was sent, beside the rate that was due, where the two differ."""
    scenario, measured = record["scenario"], rows[rows["phase"] == "measure"]
    dropped = (record["generator"].get("dropped") or {}).get("measure", 0)
    late = any(gate["name"] == validity.DISPATCH_LAG.name and gate["passed"] is False for gate in record["gates"])
    if scenario["kind"] != "open" or measured.empty or not (dropped or late):
        return []
    started = record["generator"]["started_tasks"]["measure"]
    due = started + dropped
    elapsed_s = max(scenario["duration_s"], (measured["start_us"].max() - measured["scheduled_us"].min()) / 1e6)
    rates = f"{started / elapsed_s:.1f} a second were sent of {due / scenario['duration_s']:.1f} that were due"
    if late:
        return [f"The load generator could not keep up: {rates}"]
    return [f"{dropped} of {due} requests could not be sent, as {scenario['users']} were in flight: {rates}"]

"""What to say of a run that has ended: that it is not valid, what failed, and what could not be sent."""

from collections import Counter
from pathlib import Path

import pandas as pd

from workbench import validity

MOST_KINDS = 5


def told(directory: Path, record: dict) -> list[str]:
    """Lines for a person; none where every request was sent and right and the run can be believed."""
    rows = pd.read_parquet(directory / "requests.parquet", columns=["phase", "scheduled_us", "start_us", "ok", "error"])
    lines = [*_failures(rows), *_raised(record), *_lost(record), *_not_reached(rows, record)]
    if not record["valid"]:
        lines.append("This run is not valid: " + "; ".join(record["reasons"]))
    return lines


def _failures(rows):
    kinds = Counter(rows.loc[~rows["ok"], "error"])
    return [f"{kinds.total()} of {len(rows)} requests failed: {_by_kind(kinds)}"] if kinds else []


def _raised(record):
    kinds = Counter(record["generator"].get("task_errors"))
    return [f"{kinds.total()} tasks ended with an error: {_by_kind(kinds)}"] if kinds else []


def _lost(record):
    times = record.get("database_lost")
    if not times:
        return []
    often = "once" if times == 1 else f"{times} times"
    cause = "as all do when one of its processes is killed; its log says why"
    return [f"A connection to PostgreSQL broke {often} in mid-run, {cause}"]


def _by_kind(kinds):
    shown = ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common(MOST_KINDS))
    return f"{shown} and {len(kinds) - MOST_KINDS} kinds more" if len(kinds) > MOST_KINDS else shown


def _not_reached(rows, record):
    """The rate of an open load that could not be sent, beside the rate that was."""
    scenario, measured = record["scenario"], rows[rows["phase"] == "measure"]
    unsent = (record["generator"].get("dropped") or {}).get("measure", 0)
    late = any(gate["name"] == validity.LAG.name and gate["passed"] is False for gate in record["gates"])
    if scenario["kind"] != "open" or measured.empty or not (unsent or late):
        return []
    begun = record["generator"]["started_tasks"]["measure"]
    due = begun + unsent
    within_s = max(scenario["duration_s"], (measured["start_us"].max() - measured["scheduled_us"].min()) / 1e6)
    rates = f"{begun / within_s:.1f} a second were sent of {due / scenario['duration_s']:.1f} that were due"
    if late:
        return [f"The load generator could not keep up: {rates}"]
    return [f"{unsent} of {due} requests could not be sent, as {scenario['users']} were in flight: {rates}"]

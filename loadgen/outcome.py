"""What to say of a run that has ended: that it is not valid, what failed, and what could not be sent."""

from pathlib import Path

import pandas as pd

MOST_KINDS = 5


def told(directory: Path, record: dict) -> list[str]:
    """Lines for a person; none where every request was sent and right and the run can be believed."""
    rows = pd.read_parquet(directory / "requests.parquet", columns=["phase", "scheduled_us", "ok", "error"])
    lines = [*_failures(rows), *_unsent(rows, record)]
    if not record["valid"]:
        lines.append("This run is not valid: " + "; ".join(record["reasons"]))
    return lines


def _failures(rows):
    kinds = rows.loc[~rows["ok"], "error"].value_counts()
    if kinds.empty:
        return []
    shown = ", ".join(f"{count} × {kind}" for kind, count in kinds.head(MOST_KINDS).items())
    more = f" and {len(kinds) - MOST_KINDS} kinds more" if len(kinds) > MOST_KINDS else ""
    return [f"{kinds.sum()} of {len(rows)} requests failed: {shown}{more}"]


def _unsent(rows, record):
    unsent = (record["generator"].get("unsent") or {}).get("measure", 0)
    if not unsent:
        return []
    scenario = record["scenario"]
    sent = int((rows["phase"] == "measure").sum())
    duration_s = scenario["duration_s"]
    line = (
        f"{unsent} of {sent + unsent} requests could not be sent, as {scenario['users']} were in flight: "
        f"{sent / duration_s:.1f} a second were sent of {(sent + unsent) / duration_s:.1f} that were due"
    )
    return [line]

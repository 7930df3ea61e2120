"""The hosts that made the load of a run: what came of each, and how far its clock is related to the run's."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.recording import Run
from workbench.redaction import redacted
from workbench.text_cleaning import MAX_NAME_CHARACTERS, Target, cleaned

from ..markup import Html
from ..tables import table

NOTE = (
    "Each host reads its own clock. “Clock known to” is how wrong the time of a send can be on the axis of the run. A "
    "latency is a difference on one clock, and exact. A queue time would need two clocks, and is not measured."
)
FORMATS = {"requests": "{:,}", "wall clock apart (s)": "{:+.3f}", "clock known to (ms)": "{:.3f}"}


def hosts(run: Run) -> Html:
    """A row for each host; empty where one host made the load."""
    recorded = run.record.get("hosts") or ()
    rows = pd.DataFrame([_row(host) for host in recorded])
    return table(rows, "Hosts that made the load", note=NOTE, formats=FORMATS) if recorded else Html("")


def _row(host: Mapping[str, Any]) -> dict[str, Any]:
    name = cleaned(redacted(f"{host.get('name')} ({host.get('address')})"), Target.LINE, MAX_NAME_CHARACTERS)
    return {
        "host": name,
        "processes": len(host.get("processes") or ()),
        "requests": host.get("rows"),
        "wall clock apart (s)": host.get("wall_difference_s"),
        "clock known to (ms)": host.get("clock_error_ms"),
        "state": cleaned(redacted(host.get("lost") or host.get("status") or ""), Target.LINE) or None,
    }

"""What the page's script shows of a number: its finding, and the requests of the bursts that the timeline draws."""

import json
import math
from typing import Any

from analysis.findings.finding import Finding
from workbench.aggregates import SPLIT
from workbench.arms import BASELINE, BURST_50, LABELS, TUNED
from workbench.recording import Run
from workbench.redaction import redacted_values
from workbench.request_schema import request_name

from ..markup import Html
from ..page_maker import MADE_WITH, made_with
from .comparison import Report

DIGITS = 6  # significant ones


def sources(report: Report) -> Html:
    """A data block, which a browser neither shows nor runs."""
    content = {
        "experiment": report.experiment.name,
        "digest": report.experiment.digest or "",
        MADE_WITH: made_with(),
        "findings": {finding.id: _finding(report, finding) for finding in report.findings},
        "bursts": [_burst(run) for deployment in (BASELINE, TUNED) for run in _first(report, deployment)],
    }
    text = json.dumps(redacted_values(content), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return Html(f'<script type="application/json" id="sources">{text}</script>')


def _first(report: Report, deployment: str) -> list[Run]:
    """The run of the timeline."""
    return report.experiment.find(deployment, BURST_50)[:1]


def _finding(report: Report, finding: Finding) -> dict[str, Any]:
    name = report.experiment.name
    return {
        "claim": finding.claim,
        "verdict": finding.verdict,
        "n": finding.n,
        "runs": len(finding.runs),
        "interval": [_rounded(end) for end in finding.interval] if finding.interval else None,
        "evidence": finding.evidence,
        "query": finding.query,
        "command": f"python -m analysis show {name} --finding {finding.id}",
    }


def _burst(run: Run) -> dict[str, Any]:
    """Every request of one burst: user, sequence, endpoint, due, sent, latency, worker and parts, times in ms."""
    parts = [f"{part}_ms" for part in SPLIT]
    rows = run.rows.query(
        f"SELECT user, sequence, endpoint, scheduled_ms, start_ms, latency_ms, worker, {', '.join(parts)} FROM "
        "measured WHERE user IS NOT NULL ORDER BY start_ms, user, sequence"
    )
    rows[["scheduled_ms", "start_ms"]] -= rows["start_ms"].min()
    requests = [
        [request_name(int(row["user"]), int(row["sequence"])), row["endpoint"]]
        + [_rounded(row[name]) for name in ("scheduled_ms", "start_ms", "latency_ms", "worker", *parts)]
        for row in rows.to_dict("records")
    ]
    columns = ["name", "endpoint", "due_ms", "sent_ms", "latency_ms", "worker", *parts]
    return {"label": LABELS[run.deployment], "run": run.name, "columns": columns, "requests": requests}


def _rounded(value: Any) -> float | None:
    """A number with few digits; null for one that is missing or not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.{DIGITS}g}")

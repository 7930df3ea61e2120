"""Requests that wait for another service: threads, greenlets and an event loop side by side."""

import pandas as pd

from analysis.findings import async_advice
from analysis.metrics import upstream_waits as metrics

from ..markup import Html
from ..numerals import marked
from ..tables import Quantity, table
from .comparison import OF_SUCCESSES, Report, join
from .names import in_labels, load, set_up


def upstream_waits(report: Report) -> Html:
    """What each set-up makes of waiting requests and of light reads beside them, and what an event loop is worth.

    Empty without such a load.
    """
    rows = [row for scenario in metrics.SCENARIOS for row in _rows(report, scenario)]
    if not rows:
        return Html("")
    note = (
        f"{OF_SUCCESSES} Closed load: each user asks again 0.1–0.3 s after the answer, which the service gives after a "
        "second. 20 more users read the cached dashboard. Values are medians over the runs; the failures are of all. "
        "At once is what the service saw."
    )
    measured = table(pd.DataFrame(rows, dtype=object), "Waiting for another service", note=note)
    return join(measured, _findings(report))


def _rows(report: Report, scenario: str) -> list[dict]:
    return [
        {
            "set-up": set_up(str(name)),
            "load": load(scenario),
            "waiting requests/s": Quantity.optional(row["shipment_per_s"], "{:,.0f}"),
            "p95 (ms)": Quantity.optional(row["shipment_p95_ms"], "{:,.0f}"),
            "light reads/s": Quantity.optional(row["dashboard_per_s"], "{:,.0f}"),
            "light reads p95 (ms)": Quantity.optional(row["dashboard_p95_ms"], "{:,.1f}"),
            "at once": row["most_at_once"],
            "failures": row["failures"],
            "runs": row["runs"],
        }
        for name, row in metrics.by_deployment(report.experiment, scenario).iterrows()
    ]


def _findings(report: Report) -> Html:
    ids = [async_advice.upstream_id(scenario, metric) for scenario in metrics.SCENARIOS for metric in metrics.METRICS]
    rows = [
        {"comparison": marked(in_labels(finding.claim), finding.id),
         "ratio": marked(in_labels(finding.evidence), finding.id)}
        for finding in map(report.finding, ids)
        if finding
    ]  # fmt: skip
    return table(pd.DataFrame(rows, dtype=object), "An event loop in the place of threads, while requests wait")

"""Tables of a run's page: latency by endpoint, failures by kind, phases, gates."""

import numpy as np
import pandas as pd

from analysis.metrics import run_metrics
from workbench import display, imported
from workbench.recording import Run
from workbench.redaction import redacted
from workbench.request_schema import MEASURE
from workbench.text_cleaning import MAX_NAME_CHARACTERS, Target, cleaned
from workbench.validity import BOUNDS

from ..markup import Html
from ..sections.comparison import join, prose
from ..tables import Verdict, folded, table
from .run_verdict import dropped_arrivals, is_open

MAX_ROWS, MAX_FOLDED_ROWS = 30, 300  # of a table, and of its rest in a fold
MAX_KIND_CHARACTERS = 200
LATENCIES = {"median_ms": "p50 (ms)", "p95_ms": "p95 (ms)", "p99_ms": "p99 (ms)", "max_ms": "max (ms)"}
RESPONSE = "response p95 (ms)"
GATE_VERDICTS = {True: Verdict.PASS, False: Verdict.FAIL}
MIN_RESPONSES_P99 = 100  # below it p99 is the maximum


def latency(run: Run) -> Html:
    """Requests, failures and the latency of successful responses, an endpoint a row, all together in the last one."""
    rows = run_metrics.latency_by_endpoint(run)
    names = {"endpoint": "endpoint", "requests": "requests", "failures": "failures", **LATENCIES}
    if is_open(run):
        names["response_p95_ms"] = RESPONSE
    shown = rows[[*names]].assign(**{name: _times(rows, name) for name in names if name.endswith("_ms")})
    shown = shown.rename(columns=names)
    shown["endpoint"] = [_name(name) if isinstance(name, str) else "all requests" for name in rows["endpoint"]]
    formats = {name: _milliseconds for name in (*LATENCIES.values(), RESPONSE) if name in shown}
    note = "Measured phase. Latency is from the actual send to the end of the response, of successful responses only."
    if is_open(run):
        note += " Response time is from the intended send."
    if (rows["requests"] < MIN_RESPONSES_P99).any():
        note += f" With fewer than {MIN_RESPONSES_P99} responses p99 is hardly below the maximum."
    if dropped := dropped_arrivals(run):
        note += (
            f" {dropped:,} arrivals were due and never sent. They count as slower than everything observed, by the "
            "share of each endpoint; where a percentile reaches into them it is more than the largest observed: > x."
        )
    return _split(shown, "Latency by endpoint", "endpoints", note, formats, keep_last=True)


def failures(run: Run) -> Html:
    """Failures by endpoint and kind, the most frequent first."""
    rows = run_metrics.failures_by_kind(run)
    if not imported.knows(run.record, imported.FAILURES):
        return prose("The imported file does not say which requests failed; every value counts as a success.")
    if rows.empty:
        return prose("No measured request failed.")
    shown = pd.DataFrame(
        {
            "endpoint": [_name(name) for name in rows["endpoint"]],
            "kind of failure": [cleaned(redacted(kind), Target.LINE, MAX_KIND_CHARACTERS) for kind in rows["kind"]],
            "requests": rows["requests"],
            "share of the endpoint": rows["share"],
            "first sent after (s)": rows["first_s"],
            "last sent after (s)": rows["last_s"],
        }
    )
    note = (
        "A response counts as a failure by its content or by what the locustfile says of it, not by its status alone."
    )
    if imported.is_imported(run.record):
        note = f"What counts as a failure was decided by {imported.tool(run.record)}."
    formats = {"share of the endpoint": "{:.1%}", "first sent after (s)": "{:.1f}", "last sent after (s)": "{:.1f}"}
    return _split(shown, "Failures by kind", "kinds", note, formats)


def phases(run: Run) -> Html:
    """Requests of each phase; only the measured one enters the other tables."""
    if not imported.knows(run.record, imported.SENDS):
        return Html("")
    rows = run_metrics.phases(run)
    if rows.empty:
        return prose("No request was recorded.")
    names = {"start_s": "first send after (s)", "end_s": "last response after (s)"}
    note = f"Times since the first request of the run. Only the phase {MEASURE} enters the other tables."
    formats = dict.fromkeys(names.values(), "{:.2f}")
    return table(rows.rename(columns=names), "Requests by phase", note=note, formats=formats)


def gates(run: Run) -> Html:
    """The gates of the run with their bounds and values."""
    recorded = run.record.get("gates", [])
    if not recorded:
        return prose("No gate was evaluated: the run sent no request, or did not come to its end.")
    rows = [
        {
            "gate": gate["name"],
            "value": _gate_text(gate),
            "allowed": _allowed(gate),
            "verdict": GATE_VERDICTS.get(gate["passed"], _without_verdict(gate)),
        }
        for gate in recorded
    ]
    note = (
        "Gates judge the load generator and the records, never the system: failures are outcomes of a valid run. What "
        "is not measured does not apply to this load, or had too little to measure."
    )
    if run.record["environment"].get("shared_machine"):
        note += " On a machine that others share, disturbances are recorded without a verdict."
    return table(pd.DataFrame(rows), "Gates", note=note)


def _without_verdict(gate: dict) -> Verdict:
    """What stands for a verdict that there is not: of a value on a shared machine, or without a value."""
    return Verdict.NOT_MEASURED if gate["value"] is None else Verdict.NONE


def _gate_text(gate: dict) -> str | None:
    if gate["value"] is None:
        return None
    bound = BOUNDS.get(gate["name"])
    return bound.text(gate["value"]) if bound else f"{gate['value']:g}"


def _allowed(gate: dict) -> str | None:
    bound = BOUNDS.get(gate["name"])
    return bound.allowed if bound else None


def _name(endpoint: str) -> str:
    return cleaned(redacted(endpoint), Target.LINE, MAX_NAME_CHARACTERS)


def _times(rows: pd.DataFrame, name: str) -> pd.Series:
    """A column of times; `> x` for infinity, x being the largest observed."""
    if not np.isinf(rows[name].astype(float)).any():
        return rows[name]
    pairs = zip(rows[name].astype(float), rows[display.bound_of(name)].astype(float), strict=True)
    values = [f"> {_milliseconds(bound)}" if np.isinf(value) else value for value, bound in pairs]
    return pd.Series(values, index=rows.index, dtype=object)


def _milliseconds(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _split(rows: pd.DataFrame, caption: str, noun: str, note: str, formats: dict, *, keep_last: bool = False) -> Html:
    """A table of the first rows, and the others in a fold; `keep_last` keeps a last row of totals in the first."""
    last = rows.iloc[-1:] if keep_last else rows.iloc[:0]
    body = rows.iloc[: len(rows) - len(last)]
    if len(body) <= MAX_ROWS:
        return table(rows, caption, note=note, formats=formats)
    folded_rows = body.iloc[MAX_ROWS : MAX_ROWS + MAX_FOLDED_ROWS]
    left_out = len(body) - MAX_ROWS - len(folded_rows)
    rest = f"The next {len(folded_rows)} {noun}" + (f"; {left_out:,} more are in the record only" if left_out else "")
    first = table(
        pd.concat([body.iloc[:MAX_ROWS], last]), f"{caption}, the {MAX_ROWS} most frequent", note=note, formats=formats
    )
    return join(first, folded(rest, table(folded_rows, f"{caption}, continued", formats=formats)))

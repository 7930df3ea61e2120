"""The first screen of a run's page: a sentence, the metrics behind it, and whether the run is valid."""

import math
from collections.abc import Iterator

import pandas as pd

from analysis.figures.axes import duration
from analysis.metrics import arm_metrics, run_metrics
from workbench import imported
from workbench.arms import START
from workbench.display import bound_of
from workbench.recording import Run

from ..markup import Html
from ..sections.comparison import join, plural, prose
from ..tables import Verdict, headline

MAX_REASONS = 12  # of an invalid run, on the first screen
Card = tuple[str, object, str]


def first_screen(run: Run) -> Html:
    """The sentence, the metrics behind it, and the reasons for which the run is not valid."""
    return join(headline(list(_cards(run)), sentence(run)), *map(prose, _remarks(run)))


def sentence(run: Run) -> str:
    """One sentence: how many requests succeeded and how fast they were, or why that cannot be said."""
    if run.status != "complete":
        return f"This run was {run.status}{_first_reason(run)}"
    if not run.record["valid"]:
        return f"This run is not valid{_first_reason(run)}"
    if total := next((defect for defect in run.defects if defect.is_total), None):
        return f"This run cannot be read: {total.problem}."
    if run.record["scenario"]["kind"] == START:
        return _start_sentence(run)
    if run.totals is None:
        return "This run measured no request."
    dropped = dropped_arrivals(run)
    lead = f"{plural(dropped, 'arrival')} {'was' if dropped == 1 else 'were'} due and never sent. "
    return (lead if dropped else "") + _outcome(run)


def is_open(run: Run) -> bool:
    """True if requests were due by a schedule that does not wait for responses."""
    return run.record["scenario"]["kind"] == "open"


def dropped_arrivals(run: Run) -> int:
    """The arrivals of the measured phase that were due and never sent."""
    return int((run.record.get("generator", {}).get("dropped") or {}).get("measure") or 0)


def totals(run: Run) -> pd.Series:
    """The row of `run_metrics.latency_by_endpoint` for all endpoints together."""
    return run_metrics.latency_by_endpoint(run).iloc[-1]


def _outcome(run: Run) -> str:
    total = totals(run)
    requests, failures = int(total["requests"]), int(total["failures"])
    if failures == requests:
        return f"All of its {plural(requests, 'request')} failed."
    counted = f"{failures:,} of {requests:,} requests failed" if failures else f"All {requests:,} requests succeeded"
    if not imported.knows(run.record, imported.FAILURES):
        counted = f"{requests:,} requests, of which it is not known how many failed"
    others = "95 % of the others" if failures else "95 % of them"
    p95_ms = total["response_p95_ms"] if is_open(run) else total["p95_ms"]
    if math.isinf(p95_ms):
        return f"{counted}; p95 is more than the largest observed, as so many arrivals were dropped."
    since = " of their intended send" if is_open(run) else ""
    return f"{counted}; {others} were answered within {duration(p95_ms)}{since}."


def _start_sentence(run: Run) -> str:
    outcome = run.record.get("outcome", {})
    return "The application started." if outcome.get("started") else f"It did not start: {outcome.get('message')}"


def _reasons(run: Run) -> list[str]:
    """Why it is not valid; a run that was killed has no reason on record."""
    return [*map(str, run.record["reasons"])] or ["it did not end by itself"]


def _first_reason(run: Run) -> str:
    first, *others = _reasons(run)
    return f": {first}" + (f" (and {plural(len(others), 'reason')} more)" if others else "") + "."


def _cards(run: Run) -> Iterator[Card]:
    is_valid = bool(run.record["valid"]) and run.is_readable()
    yield "Validity", Verdict.VALID if is_valid else Verdict.INVALID, _gates_text(run)
    if run.totals is None:
        return
    total, elapsed_s = totals(run), arm_metrics.makespan_s(run)
    requests, failures = int(total["requests"]), int(total["failures"])
    yield "Measured requests", f"{requests:,}", _within(requests, elapsed_s)
    if imported.knows(run.record, imported.FAILURES):
        by = f"by {imported.tool(run.record)}" if imported.is_imported(run.record) else "by content"
        yield "Failures", f"{failures:,}", f"{failures / requests:.1%} of them, {by}" if failures else by
    column, source = ("response_p95_ms", "response time") if is_open(run) else ("p95_ms", "latency")
    detail = "no successful response"
    if failures < requests:
        detail = f"{source} of successful responses; median latency {_duration(total, 'median_ms')}"
    yield "p95", None if failures == requests else _duration(total, column), detail


def _duration(total: pd.Series, column: str) -> str:
    """A time; `> x` where it reaches into dropped arrivals, x being the largest observed."""
    return f"> {duration(total[bound_of(column)])}" if math.isinf(total[column]) else duration(total[column])


def _gates_text(run: Run) -> str:
    gates = run.record.get("gates", [])
    if not gates:
        return "no gate was evaluated"
    passed = [gate["passed"] for gate in gates]
    missing = sum(gate["passed"] is None and gate["value"] is None for gate in gates)
    others = {"failed": passed.count(False), "without a verdict": passed.count(None) - missing, "not measured": missing}
    text = f"{plural(passed.count(True), 'gate')} passed"
    return ", ".join([text, *(f"{number} {what}" for what, number in others.items() if number)])


def _within(requests: int, elapsed_s: float) -> str:
    """The duration and the rate, where times of send are known."""
    return (
        "times of send not known" if math.isnan(elapsed_s) else f"in {_seconds(elapsed_s)}{_rate(requests, elapsed_s)}"
    )


def _rate(requests: int, elapsed_s: float) -> str:
    return f", {requests / elapsed_s:,.1f} a second" if elapsed_s >= 1 else ""


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f} s" if seconds >= 10 else f"{seconds:.2f} s"


def _remarks(run: Run) -> Iterator[str]:
    if run.status != "complete" or not run.record["valid"]:
        reasons = _reasons(run)
        hidden = f" (and {len(reasons) - MAX_REASONS} more)" if len(reasons) > MAX_REASONS else ""
        yield f"Why it is not valid: {'; '.join(reasons[:MAX_REASONS])}{hidden}."
        yield "What follows shows what happened. None of it is a result."
    for defect in run.defects:
        yield f"{defect}."
    if task_errors := sum((run.record.get("generator", {}).get("task_errors") or {}).values()):
        yield f"{plural(task_errors, 'task')} of the locustfile ended with an error of its own."

"""The tables of the section about faults: what users saw, by how much targets are missed, what was leaked and lost."""

from collections.abc import Callable, Sequence

import pandas as pd

from analysis.faults.fault_arms import FaultArm
from analysis.faults.fault_outcome import FaultOutcome
from analysis.faults.fault_targets import EXPECTED
from analysis.faults.recovery import Recovery
from analysis.findings.finding import FAIL, INVALID, NOT_MEASURED, Finding
from workbench.failures import kinds_text
from workbench.faults import IN_FLIGHT, RUN_ENDS

from ..markup import Html
from ..numerals import MISSING, marked, number
from ..tables import Verdict, table
from .fault_rows import Row, title
from .names import set_up

COLUMNS = 6  # of the main table, which are short enough for the page


def matrix(rows: Sequence[Row], caption: str, note: str = "") -> Html:
    """The main table: what was run, with what users saw."""
    shown = [_matrix_row(arm, finding) for arm, finding in rows if finding.verdict != NOT_MEASURED]
    frame = pd.DataFrame(shown, dtype=object)
    return table(frame, caption, note=note, max_columns=COLUMNS) if shown else Html("")


def _matrix_row(arm: FaultArm, finding: Finding) -> dict:
    outcome = arm.worst
    return {
        "fault": marked(title(arm)),
        "verdict": Verdict(finding.verdict),
        "failed": MISSING if outcome is None else number(_failed(outcome), finding.id),
        "longest (s)": MISSING if outcome is None else _seconds(outcome.longest_ms, finding),
        "first success (s)": _back(outcome, finding, lambda seen: seen.first_success_ms),
        "p95 as before (s)": _back(outcome, finding, lambda seen: seen.p95_back_ms),
    }


def _failed(outcome: FaultOutcome) -> str:
    """`0 of 720`, `80 of 720: 60 refused, 20 others`."""
    of_all = f"{outcome.failed:,} of {outcome.requests:,} requests"
    parts = [f"{outcome.refused:,} refused"] if outcome.refused else []
    parts += [f"{outcome.unclean:,} other{'s' if outcome.unclean > 1 else ''}"] if outcome.unclean else []
    return f"{of_all}: {', '.join(parts)}" if parts else of_all


def _seconds(milliseconds: float | None, finding: Finding) -> Html:
    return MISSING if milliseconds is None else number(f"{milliseconds / 1000:.2f}", finding.id)


def _back(outcome: FaultOutcome | None, finding: Finding, time_of: Callable[[Recovery], float | None]) -> Html:
    """A time from the end of the fault."""
    if outcome is None:
        return MISSING
    if outcome.kind.promise == RUN_ENDS:
        return Html("the run ends")
    time_ms = time_of(outcome.recovery)
    return Html("not seen") if time_ms is None else number(f"{time_ms / 1000:.2f}", finding.id)


def missed(rows: Sequence[Row], caption: str) -> Html:
    """By how much each target is missed, a row for each fault that misses any; of an invalid one why."""
    shown = [
        {
            "fault": marked(title(arm)),
            "verdict": Verdict(finding.verdict),
            "missed": marked("; ".join(arm.missed) or finding.evidence, finding.id),
        }
        for arm, finding in rows
        if finding.verdict in (FAIL, INVALID)
    ]
    return table(pd.DataFrame(shown, dtype=object), caption)


def details(rows: Sequence[Row]) -> Html:
    """Failures by kind, connections, writes and rows of each fault that was made."""
    shown = [_details_row(arm, finding, arm.worst) for arm, finding in rows if arm.worst is not None]
    note = (
        "Connections: sessions of the application above the limit of its pools, idle in a transaction, or open "
        "after its end. Writes: acknowledged scans that are not stored, or stored twice. Rows: requests that the "
        "application served, or the load generator counted, without a row."
    )
    return table(pd.DataFrame(shown, dtype=object), "What was leaked and lost", note=note)


def _details_row(arm: FaultArm, finding: Finding, outcome: FaultOutcome) -> dict:
    return {
        "fault": marked(f"{arm.kind.title}, {set_up(arm.deployment)}"),
        "failures by kind": marked(kinds_text(outcome.kinds.items()) or "none", finding.id),
        "failed requests in flight": _in_flight(outcome, finding),
        "connections after the load / allowed / after the end": _connections(outcome, finding),
        "connections leaked": _count(finding, outcome.leaked),
        "writes lost, doubled, of another user": _count(finding, outcome.lost, outcome.doubled, outcome.wrong_user),
        "rows lost": _count(finding, outcome.rows_lost),
    }


def _in_flight(outcome: FaultOutcome, finding: Finding) -> Html:
    """The failures that the end of a worker explains."""
    return _count(finding, outcome.in_flight) if outcome.kind.promise == IN_FLIGHT else Html("no worker")


def _connections(outcome: FaultOutcome, finding: Finding) -> Html:
    """`6 / 6 / 0`, with `?` for what was not counted."""
    counts = outcome.connections
    values = (counts.after_load, counts.allowed, counts.after_stop)
    if values == (None, None, None):
        return MISSING
    return number(" / ".join("?" if value is None else str(value) for value in values), finding.id)


def _count(finding: Finding, *values: int | None) -> Html:
    known = [str(value) for value in values if value is not None]
    return number(", ".join(known), finding.id) if known else MISSING


def not_run(rows: Sequence[Row]) -> Html:
    """The faults that were not run, each with the reason."""
    shown = [
        {"fault": marked(f"{arm.kind.title}, {set_up(arm.deployment)}"), "reason": marked(finding.evidence, finding.id)}
        for arm, finding in rows
        if finding.verdict == NOT_MEASURED
    ]
    return table(pd.DataFrame(shown, dtype=object), "Faults that were not run")


def descriptions(rows: Sequence[Row]) -> Html:
    """What each fault is, and what is expected of an application under it."""
    kinds = dict.fromkeys(arm.kind for arm, _ in rows)
    shown = [
        {"fault": marked(kind.title), "what happens": marked(kind.description), "expected": EXPECTED[kind.promise]}
        for kind in kinds
    ]
    return table(pd.DataFrame(shown, dtype=object), "Faults, and what is expected of an application under them")

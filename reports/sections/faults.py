"""What happens when something fails: each fault under load, on the tuned set-up and with the published settings."""

from collections.abc import Sequence

import pandas as pd

from analysis.faults.fault_arms import FaultArm, fault_arms
from analysis.faults.fault_outcome import FaultOutcome
from analysis.faults.fault_targets import EXPECTED, MAX_RECOVERY_MS, MAX_REQUEST_MS
from analysis.findings.fault_findings import finding_id
from analysis.findings.finding import FAIL, INVALID, NOT_MEASURED, PASS, Finding
from workbench.arms import BASELINE, TUNED
from workbench.failures import kinds_text
from workbench.faults import IN_FLIGHT, RUN_ENDS

from ..markup import Html
from ..numerals import MISSING, SECTION, marked, number, sentence
from ..tables import Verdict, behind, table
from . import fault_charts
from .comparison import Report, join
from .names import set_up

ORDER = (FAIL, INVALID, PASS, NOT_MEASURED)
DECIDED = (PASS, FAIL)
MAX_CHARTS, MAX_PUBLISHED_CHARTS = 4, 2
Row = tuple[FaultArm, Finding]
NOTE = (
    "Open load of 40 requests/s, a fifth of them scans. Refused: a 503 with Retry-After. Longest: from the actual "
    "send to the end of the response. First success and p95 of before: from the end of the fault; p95, without logins, "
    "may be twice as long as before, or 50 ms longer. A GET whose connection closes without an answer is sent once "
    "more, as browsers do. Of several runs the one that misses the most targets."
)


def faults(report: Report) -> Html:
    """A sentence, a table of the tuned set-up and one of the published settings, and charts of what fails."""
    rows = _rows(report)
    if not rows:
        command = "<code>make resilience</code>"
        return Html(f'<p class="note">{sentence("Runs under faults are made by ")}{command}.</p>')
    tuned = [row for row in rows if not row[0].is_published]
    published = [row for row in rows if row[0].is_published]
    return join(
        Html(f"<p>{_sentence(tuned)}{_losses(tuned)}</p>" if tuned else ""),
        _matrix(tuned, "Faults on the tuned set-up", NOTE),
        _missed(tuned, "Targets that the tuned set-up misses"),
        Html(f"<p>{_published_sentence(published)}{_losses(published)}</p>" if published else ""),
        _matrix(published, "The same faults with the published settings"),
        behind(
            ("latency over time", fault_charts.charts([arm for arm, _ in tuned], MAX_CHARTS)),
            (
                "latency over time, published settings",
                fault_charts.charts([arm for arm, _ in published], MAX_PUBLISHED_CHARTS),
            ),
            ("failures by kind, connections, writes, rows", _details(rows)),
            ("targets that the published settings miss", _missed(published, "Targets that they miss")),
            ("faults that were not run", _not_run(rows)),
            ("what each fault is", _descriptions(rows)),
        ),
    )


def _rows(report: Report) -> list[Row]:
    """The arms with their findings, what fails first."""
    pairs = [(arm, report.finding(finding_id(arm))) for arm in fault_arms(report.experiment)]
    rows = [(arm, finding) for arm, finding in pairs if finding is not None]
    return sorted(rows, key=lambda row: ORDER.index(row[1].verdict))


def headline(report: Report) -> Html | None:
    """The sentence about the tuned set-up, for the first screen; None without such a run."""
    tuned = [row for row in _rows(report) if not row[0].is_published]
    return _withstood(tuned) if tuned else None


def ending(report: Report) -> int:
    """The number of faults of the tuned set-up that were injected and end the measurement."""
    rows = [(arm, finding) for arm, finding in _rows(report) if not arm.is_published and finding.verdict in DECIDED]
    return sum(arm.kind.promise == RUN_ENDS for arm, _ in rows)


def _withstood(rows: Sequence[Row]) -> Html:
    """How many of the faults the tuned set-up withstands, for a reader who knows none of the columns."""
    of_system = [row for row in rows if row[0].kind.promise != RUN_ENDS]
    made, passed = _counts(of_system)
    text = sentence(
        "Of {made} faults under load, the tuned set-up withstands {passed}: at most a clear refusal to try again, no "
        "answer later than {limit} s, latency back to normal within {recovery} s, and nothing lost.",
        made=made, passed=passed, limit=f"{MAX_REQUEST_MS / 1000:.0f}", recovery=f"{MAX_RECOVERY_MS / 1000:.0f}",
    )  # fmt: skip
    if any(arm.kind.promise == IN_FLIGHT for arm, _ in of_system):
        text = Html(f"{text} {sentence('Requests in flight in a killed or stuck worker may fail.')}")
    for verdict, words in ((NOT_MEASURED, "Not run"), (INVALID, "Invalid")):
        if count := sum(finding.verdict == verdict for _, finding in rows):
            text = Html(f"{text} {sentence(f'{words}: {{n}}.', n=number(str(count), SECTION))}")
    return text


def _sentence(rows: Sequence[Row]) -> Html:
    """What the tuned set-up withstands, and what is left of a measurement that a fault ends."""
    of_recording = [row for row in rows if row[0].kind.promise == RUN_ENDS]
    if not of_recording:
        return _withstood(rows)
    made, passed = _counts(of_recording)
    words = "Of {made} faults that end the measurement, {passed} leave a record that can be read."
    return Html(f"{_withstood(rows)} {sentence(words, made=made, passed=passed)}")


def _published_sentence(rows: Sequence[Row]) -> Html:
    """How many of them the published settings withstand, and why not the others."""
    made, passed = _counts(rows)
    text = sentence("Of {made} faults under load, the published settings withstand {passed}.", made=made, passed=passed)
    if not any(arm.missed and _waits_without_limit(arm) for arm, _ in rows):
        return text
    reason = "One worker serves one request at a time, and no wait for the database has a limit: all that comes queues."
    return Html(f"{text} {sentence(reason)}")


def _waits_without_limit(arm: FaultArm) -> bool:
    """Whether its one worker serves one request at a time, without a limit of its waits for the database."""
    settings = arm.made[0][0].record["deployment"]["settings"]
    return (settings["server"], settings["workers"]) == ("sync", 1) and not settings.get("database_timeout_s")


def _counts(rows: Sequence[Row]) -> tuple[Html, Html]:
    """The number of faults that were injected in valid runs, and the number with every target met."""
    verdicts = [finding.verdict for _, finding in rows]
    made = sum(verdict in DECIDED for verdict in verdicts)
    return number(str(made), SECTION), number(str(verdicts.count(PASS)), SECTION)


def _losses(rows: Sequence[Row]) -> Html:
    """What became of the acknowledged writes of all runs in which they were compared."""
    outcomes = [outcome for arm, _ in rows for _, outcome in arm.made if outcome.lost is not None]
    if not outcomes:
        return Html("")
    lost, doubled = (sum(getattr(outcome, name) or 0 for outcome in outcomes) for name in ("lost", "doubled"))
    return sentence(
        " Acknowledged writes lost: {lost}, stored twice: {doubled}.",
        lost=number(str(lost), SECTION), doubled=number(str(doubled), SECTION),
    )  # fmt: skip


def losses(report: Report) -> int | None:
    """The acknowledged writes that were lost or stored twice in all runs; None where none was compared."""
    outcomes = [outcome for arm, _ in _rows(report) for _, outcome in arm.made if outcome.lost is not None]
    return sum((outcome.lost or 0) + (outcome.doubled or 0) for outcome in outcomes) if outcomes else None


def _matrix(rows: Sequence[Row], caption: str, note: str = "") -> Html:
    """The main table: what was run, with what users saw."""
    shown = [_matrix_row(arm, finding) for arm, finding in rows if finding.verdict != NOT_MEASURED]
    return table(pd.DataFrame(shown, dtype=object), caption, note=note) if shown else Html("")


def _matrix_row(arm: FaultArm, finding: Finding) -> dict:
    outcome = arm.worst
    return {
        "fault": marked(_title(arm)),
        "verdict": Verdict(finding.verdict),
        "failed": MISSING if outcome is None else number(_failed(outcome), finding.id),
        "longest (s)": MISSING if outcome is None else _seconds(outcome.longest_ms, finding),
        "first success, p95 of before (s)": MISSING if outcome is None else _recovery(outcome, finding),
    }


def _title(arm: FaultArm) -> str:
    """The fault, and the set-up where it is none of the two that have a table."""
    return arm.kind.title if arm.deployment in (TUNED, BASELINE) else f"{arm.kind.title} ({set_up(arm.deployment)})"


def _failed(outcome: FaultOutcome) -> str:
    """`0 of 720`, `80 of 720: 60 refused, 20 others`."""
    of_all = f"{outcome.failed:,} of {outcome.requests:,} requests"
    parts = [f"{outcome.refused:,} refused"] if outcome.refused else []
    parts += [f"{outcome.unclean:,} other{'s' if outcome.unclean > 1 else ''}"] if outcome.unclean else []
    return f"{of_all}: {', '.join(parts)}" if parts else of_all


def _seconds(milliseconds: float | None, finding: Finding) -> Html:
    return MISSING if milliseconds is None else number(f"{milliseconds / 1000:.2f}", finding.id)


def _recovery(outcome: FaultOutcome, finding: Finding) -> Html:
    if outcome.kind.promise == RUN_ENDS:
        return Html("the run ends")
    seen = outcome.recovery
    times = (seen.first_success_ms, seen.p95_back_ms)
    texts = ["not seen" if time_ms is None else f"{time_ms / 1000:.2f}" for time_ms in times]
    return number(", ".join(texts), finding.id)


def _missed(rows: Sequence[Row], caption: str) -> Html:
    """By how much each target is missed, a row for each fault that misses any; of an invalid one why."""
    shown = [
        {
            "fault": marked(_title(arm)),
            "verdict": Verdict(finding.verdict),
            "missed": marked("; ".join(arm.missed) or finding.evidence, finding.id),
        }
        for arm, finding in rows
        if finding.verdict in (FAIL, INVALID)
    ]
    return table(pd.DataFrame(shown, dtype=object), caption)


def _details(rows: Sequence[Row]) -> Html:
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


def _not_run(rows: Sequence[Row]) -> Html:
    shown = [
        {"fault": marked(f"{arm.kind.title}, {set_up(arm.deployment)}"), "reason": marked(finding.evidence, finding.id)}
        for arm, finding in rows
        if finding.verdict == NOT_MEASURED
    ]
    return table(pd.DataFrame(shown, dtype=object), "Faults that were not run")


def _descriptions(rows: Sequence[Row]) -> Html:
    kinds = dict.fromkeys(arm.kind for arm, _ in rows)
    shown = [
        {"fault": marked(kind.title), "what happens": marked(kind.description), "expected": EXPECTED[kind.promise]}
        for kind in kinds
    ]
    return table(pd.DataFrame(shown, dtype=object), "Faults, and what is expected of an application under them")

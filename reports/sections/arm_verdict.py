"""The first screen of a comparison of arms: what came of each declared metric against the baseline."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from analysis import arm_wording, history, regressions, task_errors
from analysis.findings.finding import INCONCLUSIVE, INVALID, NOT_MEASURED, REGRESSION, Finding
from analysis.findings.wording import counted
from workbench import imported
from workbench.declared_arms import KEY
from workbench.redaction import redacted

from ..markup import Html, escaped
from ..numerals import SECTION, marked, sentence
from ..run_counts import invalid_remark, valid_text
from .arm_cards import arm_cards
from .comparison import Report, join, plural
from .failures import failures

COMPARISON, IMPORTED = "TraceTrack: comparison of", "Imported results:"
FAILED = (REGRESSION, INVALID, NOT_MEASURED)


def arm_verdict(report: Report) -> Html:
    """Date, machine and valid runs, the verdict, cards with times and objectives, and what failed.

    What failed is every metric that is worse or without a comparison, and every objective that was missed.
    """
    failed = [each for each in report.of_kind(regressions.KIND) if each.verdict in FAILED]
    return join(
        _eyebrow(report),
        Html(f"<h1>{marked(arm_headline(report), SECTION)}</h1>"),
        arm_cards(report),
        *_warnings(report),
        _lines(failed),
        failures(report),
    )


def arm_headline(report: Report) -> str:
    """The result as plain text; arms that a file declares have names that say what they are."""
    has_sources = _application(report) is None
    compared = report.of_kind(regressions.KIND)
    return redacted(arm_wording.verdict_sentence(report.arms, compared, has_sources=has_sources))


def arm_title(report: Report) -> str:
    """What is compared, after the name of the application where its file gives one."""
    names, application = " and ".join(arm.name for arm in report.arms), _application(report)
    comparison = IMPORTED if imported.is_imported(report.experiment.record) else COMPARISON
    return redacted(f"{application}: {names}" if application else f"{comparison} {names}")


def _application(report: Report) -> str | None:
    """The name of the application that the arms belong to; None where no file declares one."""
    application = report.experiment.record[KEY].get("application")
    return application["name"] if application else None


def _warnings(report: Report) -> Iterator[Html]:
    """That tasks of the locustfile failed; and, where a comparison is inconclusive, that runs are not valid."""
    is_open = any(each.verdict == INCONCLUSIVE for each in report.of_kind(regressions.KIND))
    for text in (task_errors.remark(report.experiment), invalid_remark(report.experiment) if is_open else ""):
        if text:
            yield Html(f'<p class="warning">{marked(text, SECTION)}.</p>')


def _lines(findings: Sequence[Finding]) -> Html:
    """A line for each finding: verdict, claim, effect with its interval, and number of blocks."""
    lines = "<br>".join(
        f"<b>{escaped(each.verdict.capitalize())}:</b> {marked(redacted(_line(each)), each.id)}." for each in findings
    )
    return Html(f'<p class="failures">{lines}</p>' if lines else "")


def _line(finding: Finding) -> str:
    blocks = f", {counted(finding.n, 'block')}" if finding.interval else ""
    return f"{finding.claim}: {finding.evidence}{blocks}"


def _eyebrow(report: Report) -> Html:
    started = history.started(report.experiment)
    date = datetime.fromisoformat(started).strftime("%d %b %Y") if started else "date unknown"
    text = sentence("{title} · {date} · {machine} · {valid}", title=arm_title(report), date=date,
                    machine=_machine(report), valid=marked(valid_text(report.experiment), SECTION))  # fmt: skip
    return Html(f'<p class="eyebrow">{text}</p>')


def _machine(report: Report) -> Html:
    record = report.experiment.record
    if imported.is_imported(record):
        return sentence("imported from {tool} · {machine}", tool=imported.tool(record), machine=imported.MACHINE)
    environment = record["environment"]
    cores = plural(environment["cpu_count"], "core")
    return sentence("{cores} · {model}", cores=cores, model=environment["cpu_model"])

"""The page of a comparison of arms: the verdict with what the arms are, then each metric with its interval."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from analysis import arm_wording, history, regressions
from analysis.capacity.bracket import capacity_results
from analysis.findings.finding import INVALID, NOT_MEASURED, REGRESSION, Finding
from analysis.findings.wording import counted
from workbench import atomic
from workbench.declared_arms import KEY, DeclaredArm, declared
from workbench.recording import Experiment
from workbench.redaction import redacted

from . import arm_tables, arm_times
from .markup import Html, escaped
from .numerals import SECTION, marked, sentence
from .page_frame import Section, page
from .run_counts import valid_text
from .sections.capacity import capacity
from .sections.comparison import Report, join
from .sections.evidence import evidence
from .sections.sources import sources
from .tables import folded

STYLES = ("rows.css", "sparks.css")
TITLE = "TraceTrack: comparison of"
FAILED = (REGRESSION, INVALID, NOT_MEASURED)
MAX_LINES = 12  # of the first screen


def write(experiment: Experiment, findings: Sequence[Finding], path: Path) -> None:
    """Write the page of an experiment that compares arms; `findings` are all of its findings."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, html(experiment, findings))


def headline(experiment: Experiment, findings: Sequence[Finding]) -> str:
    """The result as plain text; arms that a file declares have names that say what they are."""
    arms, has_sources = declared(experiment.record), not experiment.record[KEY].get("application")
    return redacted(arm_wording.verdict_sentence(arms, _against_baseline(findings), has_sources=has_sources))


def html(experiment: Experiment, findings: Sequence[Finding]) -> str:
    """The whole page."""
    arms = declared(experiment.record)
    names = " and ".join(arm.name for arm in arms)
    report = Report(experiment, list(findings))
    sections = [
        Section("What changed", arm_tables.verdicts(experiment, arms, _against_baseline(findings))),
        Section("Objectives", arm_tables.objectives(findings)),
        Section("Where the time goes", arm_times.times(experiment, [arm.name for arm in arms])),
        Section("How much it sustains", capacity(report) if capacity_results(experiment) else Html("")),
        Section("What was compared", arm_tables.arms_table(arms)),
        Section("How far to trust this", _trust(report, arms)),
    ]
    shown = [section for section in sections if str(section.content).strip()]
    return page(_title(experiment, names), _lead(experiment, findings, arms), shown, STYLES, has_heading=True)


def _title(experiment: Experiment, names: str) -> str:
    """What is compared, after the name of the application where its file gives one."""
    application = experiment.record[KEY].get("application")
    return f"{application['name']}: {names}" if application else f"{TITLE} {names}"


def _against_baseline(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.kind == regressions.KIND]


def _lead(experiment: Experiment, findings: Sequence[Finding], arms: Sequence[DeclaredArm]) -> Html:
    """The first screen: date, machine and valid runs, the verdict, and each declared metric, what is worse first.

    Of many metrics only those that are worse or could not be compared; the table below has all.
    """
    verdict = marked(headline(experiment, findings), SECTION)
    compared = _against_baseline(findings)
    failed = [each for each in compared if each.verdict in FAILED]
    others = [each for each in compared if each not in failed] if len(compared) <= MAX_LINES else []
    return join(
        _eyebrow(experiment),
        Html(f'<h1 class="verdict">{verdict}</h1>'),
        _lines([*failed, *others]),
    )


def _lines(findings: Sequence[Finding]) -> Html:
    """A line for each finding: verdict, claim, effect with its interval, and number of blocks."""
    lines = "<br>".join(
        f"<b>{escaped(each.verdict.capitalize())}:</b> {marked(redacted(_line(each)), each.id)}." for each in findings
    )
    return Html(f'<p class="failures">{lines}</p>' if lines else "")


def _line(finding: Finding) -> str:
    blocks = f", {counted(finding.n, 'block')}" if finding.interval else ""
    return f"{finding.claim}: {finding.evidence}{blocks}"


def _eyebrow(experiment: Experiment) -> Html:
    started = history.started(experiment)
    date = datetime.fromisoformat(started).strftime("%d %b %Y") if started else "date unknown"
    environment = experiment.record["environment"]
    text = sentence(
        "{date} · {cores} cores · {machine} · {valid}",
        date=date, cores=str(environment["cpu_count"]), machine=environment["cpu_model"],
        valid=marked(valid_text(experiment), SECTION),
    )  # fmt: skip
    return Html(f'<p class="remark">{text}</p>')


def _trust(report: Report, arms: Sequence[DeclaredArm]) -> Html:
    """How the verdicts were made, the A/A difference, and in a fold the runs with their gates."""
    baseline = arms[0].name
    alone = "The only arm ran once in each block, so nothing is compared. Load generator and system share the machine."
    compared = (
        f"All arms ran once in each block, in random and balanced order, with the same seed; {baseline} ran twice, and "
        "the A/A rows are the difference of the two. Ratios are paired by block. Only metrics that were declared "
        "before the measurement get a verdict, corrected by Holm over all of them. Load generator and system share the "
        "machine."
    )
    return join(
        Html(f"<p>{marked(compared if len(arms) > 1 else alone)}</p>"),
        folded("Runs, gates and A/A differences", evidence(report)),
        sources(report),
    )

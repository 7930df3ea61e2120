"""The soak: which resources stay flat while connections, sessions and cached answers end and begin."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.findings.finding import FALLS, FLAT, GROWS, INCONCLUSIVE, NOT_MEASURED
from analysis.findings.resource_growth import KIND, event_id, finding_id, soaked
from analysis.soak.growth import Growth, growths
from analysis.soak.lifetimes import LIFETIMES
from analysis.soak.slope import Slope
from analysis.soak.watched_resources import RESOURCES
from analysis.stats.confidence import Estimate
from workbench.arms import FOR_SOAK, SOAK, TUNED
from workbench.recording import Run

from ..markup import Html, escaped
from ..numerals import SECTION, marked, number, of_finding, sentence
from ..row_charts import sparkline
from ..tables import Verdict, behind, remark, table
from .comparison import Report, join, plural
from .names import in_labels, set_up

ORDER = (GROWS, FALLS, INCONCLUSIVE, FLAT, NOT_MEASURED)  # of the verdicts in a sentence
POINTS = 30  # of a small chart
LONG_S = 1800.0  # of the scenario, if a run says nothing else
NOTE = (
    "Open load of 50 requests a second, a fifth of them writes; the first quarter of the measured time is left out. "
    "Intervals are at 90 %: flat means that the one of the change lies within the margin (two one-sided tests at 5 %), "
    "grows that it lies above zero and not within the margin. The line is the whole measured time."
)


def soak(report: Report) -> Html:
    """A table of the resources of each deployment that had a soak, and what ended meanwhile; empty without any."""
    findings = report.of_kind(KIND)
    if not findings:
        return Html("")
    runs = soaked(report.experiment)
    tables = [_resources(report, name, run) for name, run in sorted(runs.items())]
    margins = behind(("which growth counts as none", _margins())) if runs else Html("")
    return join(
        _sentences(report, runs), *tables, remark(NOTE) if runs else Html(""), _ended(report, sorted(runs)), margins
    )


def _sentences(report: Report, runs: Mapping[str, Run]) -> Html:
    """A sentence for each set-up: its resources by verdict; a soak that is invalid says why."""
    names = sorted({run.deployment for run in report.experiment.runs if run.scenario == SOAK})
    items = "".join(f"<li>{_sentence(report, name)}</li>" for name in names)
    return Html(f"<p>Resources in a soak:</p>\n<ul>{items}</ul>\n{_of_short_ones(runs)}")


def _sentence(report: Report, name: str) -> Html:
    ids = {finding_id(resource.name, name) for resource in RESOURCES}
    findings = [finding for finding in report.of_kind(KIND) if finding.id in ids]
    label = marked(f"{set_up(name)[:1].upper()}{set_up(name)[1:]}")
    # One resource may have no reading for want of what it is about; a soak without any value says why.
    if all(finding.effect is None for finding in findings):
        reasons = (str(marked(in_labels(each.evidence), each.id)) for each in findings)
        return Html(f"{label}: {'; '.join(dict.fromkeys(reasons))}.")
    counts = Counter(finding.verdict for finding in findings)
    listed = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict])
    return sentence("{label}, {all}: {listed}.", label=label, all=marked(plural(len(findings), "resource"), SECTION),
                    listed=marked(listed, SECTION))  # fmt: skip


def _of_short_ones(runs: Mapping[str, Run]) -> Html:
    """What a short soak leaves open, and the command for a longer one; empty where every soak was as long."""
    if not any(run.record["scenario"]["duration_s"] < LONG_S for run in runs.values()):
        return Html("")
    text = sentence(
        "In so short a time growth below the margin is not excluded. The soak of {minutes} minutes shows more: ",
        minutes=f"{LONG_S / 60:.0f}",
    )
    command = f"python -m loadgen run --deployment {FOR_SOAK} --scenario {SOAK}"
    return Html(f"<p>{text}<code>{escaped(command)}</code></p>")


def _resources(report: Report, name: str, run: Run) -> Html:
    grown = list(growths(run))
    examined_s = max((growth.seconds for growth in grown), default=0.0)
    caption = f"Resources in a soak: {set_up(name)}; {examined_s:,.0f} s examined"
    return table(pd.DataFrame([_row(report, name, growth) for growth in grown], dtype=object), caption)


def _row(report: Report, name: str, growth: Growth) -> dict:
    form, source = growth.resource.form, finding_id(growth.resource.name, name)
    finding, change = report.finding(source), growth.change
    return {
        "resource": Html(f"{escaped(growth.resource.label)}{sparkline(_means(growth.readings), TUNED)}"),
        "at begin": number(form.format(growth.begin), source),
        "at end": number(form.format(growth.end), source),
        "slope (an hour)": number(_interval(form, growth.an_hour()), source),
        "change in the run": number(_interval(form, change), source),
        "margin": number(f"±{form.format(growth.margin)}", source),
        "verdict": Verdict(finding.verdict) if finding else None,
    }


def _interval(form: str, change: Slope) -> str:
    """`0.3 (-0.1 to 0.7)`: an estimate with its interval."""
    return f"{form.format(change.estimate)} ({form.format(change.low)} to {form.format(change.high)})"


def _means(readings: pd.Series) -> list[Estimate]:
    """Means of equal parts of the readings, for a small chart."""
    parts = np.array_split(readings.to_numpy(float), min(POINTS, len(readings)))
    return [Estimate(float(part.mean()), 1) for part in parts]


def _ended(report: Report, names: list[str]) -> Html:
    """How often connections, sessions and cached answers ended in each soak."""
    rows = [
        {
            "ended for their age": lifetime.label,
            **{set_up(name): _count(report, event_id(lifetime.name, name)) for name in names},
        }
        for lifetime in LIFETIMES
    ]
    return table(pd.DataFrame(rows, dtype=object), "What ended and began anew in the soak")


def _count(report: Report, source: str) -> Html:
    """A soak has a finding for everything that may end in it."""
    finding = report.finding(source)
    return of_finding(finding, "{:,.0f}") if finding else Html("does not apply")


def _margins() -> Html:
    """What growth counts as none, and why."""
    rows = [
        {
            "resource": resource.label,
            "margin in a run": marked(_margin(resource.margin.pieces, resource.margin.share)),
            "because": marked(resource.margin.reason),
        }
        for resource in RESOURCES
    ]
    return table(pd.DataFrame(rows, dtype=object), "Growth that counts as none")


def _margin(pieces: float, share: float) -> str:
    return " + ".join([*([f"{pieces:g}"] if pieces else []), *([f"{share:.0%} of the mean"] if share else [])])

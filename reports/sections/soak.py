"""The soak: which resources stay flat while connections, sessions and cached answers end and begin."""

import numpy as np
import pandas as pd

from analysis.findings.resource_growth import KIND, event_id, finding_id, soaked
from analysis.soak.growth import Growth, growths
from analysis.soak.lifetimes import LIFETIMES
from analysis.soak.slope import Slope
from analysis.soak.watched_resources import RESOURCES
from analysis.stats.confidence import Estimate
from workbench.arms import TUNED
from workbench.recording import Run

from ..markup import Html, escaped
from ..numerals import marked, number, of_finding, sentence
from ..row_charts import sparkline
from ..tables import Verdict, behind, remark, table
from .comparison import Report, join
from .names import in_labels, set_up

POINTS = 30  # of a small chart
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
    return join(_sentence(report), *tables, remark(NOTE) if runs else Html(""), _ended(report, sorted(runs)), margins)


def _sentence(report: Report) -> Html:
    """The number of resources by verdict; a soak that is invalid says why."""
    findings = report.of_kind(KIND)
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.verdict] = counts.get(finding.verdict, 0) + 1
    listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    # One resource may have no reading for want of what it is about; a soak without any value says why.
    without = [each for each in findings if each.effect is None]
    reasons = [marked(f" {in_labels(each.evidence)}.", each.id) for each in without[: len(without) == len(findings)]]
    text = sentence("Resources in a soak: {listed}.", listed=marked(listed, "section"))
    return Html(f"<p>{text}{''.join(map(str, reasons))}</p>")


def _resources(report: Report, name: str, run: Run) -> Html:
    rows = [_row(report, name, growth) for growth in growths(run)]
    return table(pd.DataFrame(rows, dtype=object), f"Resources in a soak: {set_up(name)}")


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


def _count(report: Report, source: str) -> Html | None:
    finding = report.finding(source)
    return of_finding(finding, "{:,.0f}") if finding else None


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

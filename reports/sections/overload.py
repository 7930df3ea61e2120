"""What an overload does: goodput against the offered load, and the verdicts at each multiple of the sustained rate."""

from collections.abc import Iterator

import pandas as pd

from analysis.figures.goodput_curve import goodput_curve
from analysis.findings.finding import FAIL, PASS, Finding
from analysis.findings.overload_claims import AT_TIMES, DEPLOYMENTS, KIND, TESTS, finding_id, share_id
from analysis.metrics.goodput import LOGIN_OBJECTIVE_MS, READ_OBJECTIVE_MS
from workbench.arms import BASELINE, LIMITED, OVERLOADS, TUNED

from ..markup import Html
from ..numerals import marked, of_finding, sentence
from ..svg import inline
from ..tables import Verdict, behind, table
from .comparison import Report, join
from .names import in_labels, set_up

SERIES = {LIMITED: TUNED, BASELINE: BASELINE}  # the colour and the name of a deployment's curve
COLUMNS = {
    "offered": ("offered (/s)", "{:,.0f}"),
    "goodput": ("goodput (/s)", "{:,.0f}"),
    "reads-p95": ("reads p95 (ms)", "{:,.0f}"),
    "logins-p95": ("logins p95 (ms)", "{:,.0f}"),
    "clean": ("clean 503", "{:.1%}"),
    "recovery": ("recovery (s)", "{:.2f}"),
}
NOTE = (
    f"Goodput: successful responses within {READ_OBJECTIVE_MS:.0f} ms, of a login within {LOGIN_OBJECTIVE_MS:,.0f} ms, "
    "counted from when a request was due. p95 is of the successful ones. Clean: the share of the failures that are a "
    "503 with Retry-After. Open load: the sustained rate for 5 s, its multiple for 8 s, and the sustained rate again; "
    "clients give up after 5 s. Recovery is the time after the overload until goodput and p95 are as before it. "
    "✗ misses its target, see below."
)


def overload(report: Report) -> Html:
    """A sentence, the curve, the table, and each verdict in a fold; empty where no set-up was overloaded."""
    if not report.of_kind(KIND):
        return Html("")
    return join(
        _sentence(report),
        _curve(report),
        table(pd.DataFrame(list(_rows(report)), dtype=object), "Overload, by set-up and multiple of the sustained rate",
              note=NOTE),
        behind(("verdicts under overload", _verdicts(report))),
    )  # fmt: skip


def _sentence(report: Report) -> Html:
    """What is left of the largest goodput at five times the sustained rate, for each set-up."""
    pieces = [
        sentence(f"{in_labels(deployment)} keeps {{share}} of its largest goodput at {{times}} times the rate that it "
                 "sustains", share=of_finding(report.finding(share_id(deployment)), "{:.0%}"),
                 times=str(AT_TIMES))
        for deployment in DEPLOYMENTS
        if report.measured(share_id(deployment)) is not None
    ]  # fmt: skip
    failed = sum(finding.verdict == FAIL for finding in _tested(report, LIMITED))
    passed = sum(finding.verdict == PASS for finding in _tested(report, LIMITED))
    text = "; ".join(map(str, pieces))
    summary = f" With admission control {passed} of {passed + failed} targets are met."
    shown = marked(summary, "section") if passed + failed else ""
    return Html(f"<p>{text[:1].upper()}{text[1:]}{'.' if text else ''}{shown}</p>")


def _curve(report: Report) -> Html:
    rows = [
        {"series": SERIES[deployment], "offered_rps": offered.effect, "goodput_rps": goodput.effect}
        for deployment in DEPLOYMENTS
        for times in OVERLOADS
        if (offered := report.finding(finding_id("offered", times, deployment)))
        and (goodput := report.finding(finding_id("goodput", times, deployment)))
    ]
    labels = {SERIES[deployment]: set_up(deployment) for deployment in DEPLOYMENTS}
    return inline(
        lambda: goodput_curve(pd.DataFrame(rows, columns=["series", "offered_rps", "goodput_rps"]), labels),
        "goodput",
        "Goodput against the offered load",
        "Dots: 1, 2, 5 and 10 times the rate that each set-up sustains. Dashed: every request answered in time.",
    )


def _rows(report: Report) -> Iterator[dict]:
    for deployment in DEPLOYMENTS:
        for times in OVERLOADS:
            if report.finding(finding_id("offered", times, deployment)):
                cells = {title: _cell(report.finding(finding_id(name, times, deployment)), form)
                         for name, (title, form) in COLUMNS.items()}  # fmt: skip
                yield {"set-up": set_up(deployment), "load": f"{times} ×", **cells}


def _cell(finding: Finding | None, form: str) -> Html:
    """The value with a mark where it fails; what has no value and fails is its evidence."""
    if finding is None:
        return Html("–")
    text = marked(finding.evidence, finding.id) if finding.effect is None else of_finding(finding, form)
    return Html(f"{text} ✗") if finding.verdict == FAIL else text


def _tested(report: Report, deployment: str) -> list[Finding]:
    ids = [finding_id(test.name, times, deployment) for times in OVERLOADS for test in TESTS]
    return [finding for finding in map(report.finding, [share_id(deployment), *ids]) if finding]


def _verdicts(report: Report) -> Html:
    rows = [
        {"target": marked(in_labels(finding.claim)), "verdict": Verdict(finding.verdict),
         "measured": marked(in_labels(finding.evidence), finding.id)}
        for deployment in DEPLOYMENTS
        for finding in _tested(report, deployment)
    ]  # fmt: skip
    return table(pd.DataFrame(rows, dtype=object), "Targets under overload")

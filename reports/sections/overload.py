"""What an overload does: goodput against the offered load, and the verdicts at each multiple of the base rate."""

from collections.abc import Iterator

import pandas as pd

from analysis.figures.goodput_curve import goodput_curve
from analysis.findings.finding import FAIL, INVALID, PASS, REPORTED, Finding
from analysis.findings.overload_claims import AT_TIMES, DEPLOYMENTS, KIND, TESTS, finding_id, share_id
from analysis.metrics.goodput import LOGIN_OBJECTIVE_MS, READ_OBJECTIVE_MS
from workbench.arms import BASELINE, LIMITED, OVERLOADS, TUNED

from ..markup import Html
from ..numerals import SECTION, marked, of_finding, sentence
from ..svg import inline
from ..tables import Verdict, behind, table
from .comparison import Report, join
from .names import in_labels, set_up

SERIES = {LIMITED: TUNED, BASELINE: BASELINE}  # the colour and the name of a deployment's curve
COLUMNS = {
    "offered": ("offered (/s)", "{:,.0f}"),
    "sent": ("sent when due", "{:.1%}"),
    "goodput": ("goodput (/s)", "{:,.0f}"),
    "reads-p95": ("reads p95 (ms)", "{:,.0f}"),
    "logins-p95": ("logins p95 (ms)", "{:,.0f}"),
    "clean": ("clean 503", "{:.2%}"),
    "recovery": ("recovery (s)", "{:.2f}"),
}
MIN_SUSTAINED = 0.9  # of the offered load: with less goodput at the base rate a set-up does not sustain it
KEPT = {"reads-kept": ("reads kept", "{:.2f}"), "logins-kept": ("logins kept", "{:.2f}")}
MARKS = {FAIL: " ✗", INVALID: " invalid"}
NOTE = (
    f"Goodput: successful responses within {READ_OBJECTIVE_MS:.0f} ms, of a login within {LOGIN_OBJECTIVE_MS:,.0f} ms, "
    "counted from when a request was due. p95 is of the successful ones. Clean: the share of the failures that are a "
    "503 with Retry-After. Open load: the base rate for 5 s, its multiple for 8 s, and the base rate again; "
    "{patience}. Recovery is the time after the overload until goodput and p95 are as before it. "
    "Sent when due: the share of the load that was sent within a second of it; with less the load was another. Kept: "
    "goodput of a class during the overload ÷ that before it, both a second. The mix of reads and "
    "logins is the same throughout. ✗ misses its target, invalid has no valid run or load, see below."
)


def overload(report: Report) -> Html:
    """Sentences, the curve, the table, and each verdict in a fold; empty where no set-up was to be overloaded."""
    if not report.of_kind(KIND):
        return Html("")
    return join(
        _sentence(report),
        _curve(report),
        table(pd.DataFrame(list(_rows(report)), dtype=object), "Overload, by set-up and multiple of the base rate",
              note=NOTE.format(patience=_patience(report))),
        behind(("verdicts under overload", _verdicts(report))),
    )  # fmt: skip


def _sentence(report: Report) -> Html:
    """What is left of the largest goodput at five times the base rate, for each set-up, and which targets are met."""
    pieces = [
        sentence(f"{in_labels(deployment)} keeps {{share}} of its largest goodput at {{times}} times the base rate",
                 share=of_finding(report.finding(share_id(deployment)), "{:.0%}"), times=str(AT_TIMES))
        for deployment in DEPLOYMENTS
        if report.measured(share_id(deployment)) is not None
    ]  # fmt: skip
    verdicts = [finding.verdict for finding in _tested(report, LIMITED)]
    passed, failed, invalid = (verdicts.count(verdict) for verdict in (PASS, FAIL, INVALID))
    text = "; ".join(map(str, pieces))
    summary = f" With admission control {passed} of {passed + failed} targets are met."
    shown = marked(summary if passed + failed else "", SECTION)
    without = marked(f" Invalid, see below: {invalid}." if invalid else "", SECTION)
    kept = f"{text[:1].upper()}{text[1:]}{'.' if text else ''}"
    others = f"{_not_valid(report)}{_below_base_rate(report)}"
    return Html(f"<p>{f'{kept}{others}{shown}{without}{_starvation(report)}'.strip()}</p>")


def _not_valid(report: Report) -> Html:
    """The set-ups without a valid run at five times the base rate; empty where each has one, or was to have none."""
    shares = {name: report.finding(share_id(name)) for name in DEPLOYMENTS}
    planned = {name: share for name, share in shares.items() if share is not None}
    without = [name for name in planned if _is_without_run(report, name)]
    if not without:
        return Html("")
    of_whom = "" if len(without) == len(planned) else f" on {', '.join(map(in_labels, without))}"
    return sentence(f" Goodput at {{times}} times the base rate: no valid run{of_whom}.", times=str(AT_TIMES))


def _is_without_run(report: Report, deployment: str) -> bool:
    goodput = report.finding(finding_id("goodput", AT_TIMES, deployment))
    return goodput is not None and goodput.effect is None


def _below_base_rate(report: Report) -> Html:
    """The set-ups that answer less than they are offered before any overload, so that their base rate is too much."""
    texts = []
    for deployment in DEPLOYMENTS:
        offered, goodput = (report.finding(finding_id(name, 1, deployment)) for name in ("offered", "goodput"))
        if offered is None or goodput is None or offered.effect is None or goodput.effect is None:
            continue
        if goodput.effect < MIN_SUSTAINED * offered.effect:
            label = in_labels(deployment)
            texts.append(
                sentence(
                    f" {label[:1].upper()}{label[1:]} does not sustain its base rate here: goodput {{goodput}} of "
                    "{offered} requests/s.",
                    goodput=of_finding(goodput, "{:,.0f}"), offered=of_finding(offered, "{:,.0f}"),
                )
            )  # fmt: skip
    return Html("".join(map(str, texts)))


def _patience(report: Report) -> str:
    """After how many seconds the clients of each set-up give up."""
    runs = [run for run in report.experiment.runs if run.scenario in OVERLOADS.values()]
    limits_s = {run.deployment: run.record["scenario"].get("client_timeout_s") for run in runs}
    texts = [f"{limit_s:g} s ({set_up(name)})" for name, limit_s in limits_s.items() if limit_s]
    return f"clients give up after {', '.join(texts)}" if texts else "clients wait as long as it takes"


def _starvation(report: Report) -> Html:
    """What reads and logins keep with admission control, so that neither starves for the other."""
    reads, logins = (report.finding(finding_id(name, AT_TIMES, LIMITED)) for name in KEPT)
    if reads is None or logins is None:
        return Html("")
    return sentence(
        " At {times} times the rate of the same mix, goodput of reads is {reads} times that before the overload, and "
        "that of logins {logins} times.",
        reads=of_finding(reads, "{:.2f}"), logins=of_finding(logins, "{:.2f}"), times=str(AT_TIMES),
    )  # fmt: skip


def _curve(report: Report) -> Html:
    rows = [
        {"series": SERIES[deployment], "offered_rps": offered.effect, "goodput_rps": goodput.effect}
        for deployment in DEPLOYMENTS
        for times in OVERLOADS
        if (offered := report.finding(finding_id("offered", times, deployment)))
        and (goodput := report.finding(finding_id("goodput", times, deployment)))
        and goodput.effect is not None
    ]
    labels = {SERIES[deployment]: set_up(deployment) for deployment in DEPLOYMENTS}
    return inline(
        lambda: goodput_curve(pd.DataFrame(rows, columns=["series", "offered_rps", "goodput_rps"]), labels),
        "goodput",
        "Goodput against the offered load",
        "Dots: multiples of the base rate. Dashed: every request answered in time.",
    )


def _rows(report: Report) -> Iterator[dict]:
    """A row for each multiple that was planned, also for one without a valid run."""
    for deployment in DEPLOYMENTS:
        for times in OVERLOADS:
            if report.finding(finding_id("goodput", times, deployment)):
                cells = {title: _cell(report.finding(finding_id(name, times, deployment)), form)
                         for name, (title, form) in [*COLUMNS.items(), *KEPT.items()]}  # fmt: skip
                yield {"set-up": set_up(deployment), "load": f"{times}×", **cells}


def _cell(finding: Finding | None, form: str) -> Html:
    """The value with a mark where it misses its target; without one the evidence, or that it is not valid."""
    if finding is None:
        return Html("–")
    if finding.effect is not None:
        return Html(f"{of_finding(finding, form)}{MARKS.get(finding.verdict, '')}")
    return Html(f"{marked(finding.evidence, finding.id)} ✗") if finding.verdict == FAIL else Html(finding.verdict)


def _tested(report: Report, deployment: str) -> list[Finding]:
    """The targets of a set-up, and why a multiple has no valid run."""
    names = ["goodput", *(test.name for test in TESTS)]
    ids = [share_id(deployment), *(finding_id(name, times, deployment) for times in OVERLOADS for name in names)]
    return [finding for finding in map(report.finding, ids) if finding and finding.verdict != REPORTED]


def _verdicts(report: Report) -> Html:
    rows = [
        {"target": marked(in_labels(finding.claim)), "verdict": Verdict(finding.verdict),
         "measured": marked(in_labels(finding.evidence), finding.id)}
        for deployment in DEPLOYMENTS
        for finding in _tested(report, deployment)
    ]  # fmt: skip
    return table(pd.DataFrame(rows, dtype=object), "Targets under overload")

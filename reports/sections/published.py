"""Is this the published system? Its times beside ours, and what does not depend on the machine."""

import math

import pandas as pd

from analysis.figures.dumbbell import Pair, dumbbell
from analysis.findings.finding import Finding
from workbench.arms import BASELINE

from ..markup import Html
from ..numerals import marked, number, of_finding, sentence, with_interval
from ..svg import inline
from ..tables import Verdict, behind, table
from . import charts, infrastructure, loads, recommendations, requests
from .advice import succeeds
from .comparison import Report, beside, join
from .names import in_labels

TIMES = (
    ("published-burst-50-duration_s", "50 users: duration"),
    ("published-burst-50-login", "50 users: login"),
    ("published-burst-50-dashboard", "50 users: dashboard"),
    ("published-burst-50-search", "50 users: search"),
    ("published-single-dashboard-mean_ms", "one user: dashboard"),
    ("published-single-search-mean_ms", "one user: search"),
)
GROWTH, ORDER = "published-growth-", "-to-login"  # in the ids of findings


def published(report: Report) -> Html:
    """A sentence, the dumbbell of times, the table of ratios, and in folds every published value.

    Empty where the published set-up was not measured.
    """
    if not _measured(report):
        return Html("")
    return join(
        _sentence(report),
        beside(_times(report), _ratios(report)),
        behind(
            ("every published value", _values(report)),
            ("success and counts", _counts(report)),
            ("single requests", loads.individual(report)),
            ("25 users", loads.burst(report, 25)),
            ("50 users", join(loads.burst(report, 50), charts.percentiles(report))),
            ("pool and schema", join(infrastructure.pool(report), infrastructure.schema(report))),
            ("caches", requests.caches(report)),
            ("sessions", requests.sessions(report)),
            ("workers", requests.workers(report)),
            ("configuration", recommendations.recommendations(report)),
        ),
    )


def _sentence(report: Report) -> Html:
    """How the times compare, and the growth that does not depend on the machine."""
    if not succeeds(report, BASELINE):
        return sentence_of("Most responses of the published set-up to 50 users at once are failures here.")
    ratios = sorted((1 / finding.effect, finding) for finding in _measured(report) if finding.effect)
    (least, first), (most, last) = ratios[0], ratios[-1]
    growth = report.finding(f"{GROWTH}dashboard")
    text = sentence(
        "The same queue on another machine: the published times are {least} to {most} times ours, so they say nothing "
        "of an improvement.",
        least=number(_times_text(least), first.id), most=number(_times_text(most), last.id),
    )  # fmt: skip
    if growth is not None and growth.effect is not None and growth.bound is not None:
        here = of_finding(growth, "{:.2f}", growth.effect * growth.bound)
        growth_text = sentence("With twice the users a dashboard takes {there} times as long there, and {here} times "
                               "here.", there=number(f"{growth.bound:.2f}", "published"), here=here)  # fmt: skip
        text = Html(f"{text} {growth_text}")
    return Html(f"<p>{text}</p>")


def _measured(report: Report) -> list[Finding]:
    """The findings of published times that were measured."""
    return [finding for name, _ in TIMES if (finding := report.finding(name)) and finding.effect]


def sentence_of(text: str) -> Html:
    """A paragraph whose numbers are settings."""
    return Html(f"<p>{sentence(text)}</p>")


def _times_text(factor: float) -> str:
    return f"{factor:.1f}" if factor < 9.95 else f"{factor:.0f}"


def _times(report: Report) -> Html:
    pairs = []
    if not succeeds(report, BASELINE):
        return Html("")
    for name, label in TIMES:
        finding = report.finding(name)
        if finding is None or finding.effect is None or finding.bound is None:
            continue
        published_ms = finding.bound * (1000 if name.endswith("duration_s") else 1)
        low, high = finding.interval or (math.nan, math.nan)
        interval_ms = None if finding.interval is None else (published_ms * low, published_ms * high)
        pairs.append(Pair(label, published_ms, published_ms * finding.effect, interval_ms))
    if not pairs:
        return Html("")
    return inline(
        lambda: dumbbell(pairs, BASELINE),
        "published-times",
        "The published times, and the same set-up run here",
        "Rings: published. Dots: measured, with the interval of one more run.",
        is_half=True,
    )


def _ratios(report: Report) -> Html:
    """What does not depend on the machine: published, measured here with interval, and a verdict."""
    rows = [_ratio_row(finding) for finding in report.of_kind("published-ratio") if _is_ratio(finding)]
    return table(pd.DataFrame(rows, dtype=object), "What does not depend on the machine")


def _is_ratio(finding: Finding) -> bool:
    """True for growth and order, which another system could fail; success and counts are folded."""
    return finding.effect is not None and (GROWTH in finding.id or ORDER in finding.id)


def _ratio_row(finding: Finding) -> dict:
    bound = finding.bound or math.nan
    ends = [end * bound for end in finding.interval or ()]
    interval = f" ({ends[0]:.2f}–{ends[1]:.2f})" if ends else ""
    measured = math.nan if finding.effect is None else finding.effect * bound
    return {
        "mean latency, users": marked(_ratio_label(finding.id)),
        "published": number(f"{bound:.2f}", "published"),
        "measured here": number(f"{measured:.2f}{interval}", finding.id),
        "verdict": Verdict(finding.verdict),
    }


def _ratio_label(name: str) -> str:
    """`login, 50 / 25`, or `search / login, 50`; the numbers are those of the users."""
    if name.startswith(GROWTH):
        return f"{name.removeprefix(GROWTH)}, 50 / 25"
    users, endpoint = name.removeprefix("published-burst-").removesuffix(ORDER).split("-", 1)
    return f"{endpoint} / login, {users}"


def _counts(report: Report) -> Html:
    rows = [
        {
            "statement": marked(in_labels(finding.claim), "published"),
            "measured / published": with_interval(finding, "{:.2f}"),
            "verdict": Verdict(finding.verdict),
        }
        for finding in report.of_kind("published-ratio")
        if not _is_ratio(finding)
    ]
    return table(pd.DataFrame(rows, dtype=object), "Success and counts")


def _values(report: Report) -> Html:
    rows = [
        {
            "published": marked(in_labels(finding.claim), "published"),
            "measured here": marked(in_labels(finding.evidence), finding.id),
            "measured / published": with_interval(finding, "{:.2f}"),
        }
        for finding in report.of_kind("published-value")
    ]
    return table(pd.DataFrame(rows, dtype=object), "Every published value beside ours")

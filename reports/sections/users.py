"""How many users a set-up sustains: predicted curves, measured loads, and the resource that is saturated first."""

import pandas as pd

from analysis.capacity.bracket import capacity_results
from analysis.figures.users_curve import users_curve
from analysis.saturation_ladder import Limit, limits, mean_latency_ms
from workbench.arms import ADVISED, BASELINE, LABELS, SUSTAINED_100, TUNED
from workbench.display import milliseconds_form

from ..markup import Html
from ..numerals import SECTION, number, of_finding, sentence
from ..svg import inline
from ..tables import behind
from . import capacity, loads, overload, what_if
from .comparison import Report, join, plural, prose

SET_UPS = (BASELINE, ADVISED, TUNED)
PUBLISHED_USERS = 100
USERS = (1, 2, 5, 10, 20, 35, 50, 75, 100, 200, 350, 500, 750, 1000, 1500, 2000)
LIFTS = {
    "worker": "a worker for each core",
    "CPU cores": "less work or more cores",
    "hash slots": "a cheaper hash or more cores",
    "busiest event loop": "requests spread over the loops",
}


def users(report: Report) -> Html:
    """A sentence, the curve, the ladder of limits, what an overload does, and in folds the loads behind them.

    Of arms the capacities with their predictions. Empty where no load with users or by a rate was measured.
    """
    if report.arms:
        return _of_arms(report)
    of_users = join(_sentence(report), _curve(report), _limits(report), _brackets(report))
    of_overload = overload.overload(report)
    folds = behind(
        ("loads that were not published", loads.other_loads(report)), ("predictions", what_if.what_if(report))
    )
    if not str(of_users).strip() and (str(of_overload) or str(folds)):
        of_users = prose("The number of users was not measured.")
    return join(of_users, of_overload, folds)


def _of_arms(report: Report) -> Html:
    """The capacities of arms, and in a fold what was predicted or why nothing was; empty where none was searched."""
    if not capacity_results(report.experiment):
        return Html("")
    return join(capacity.capacity(report), behind(("predictions", what_if.what_if(report))))


def _sentence(report: Report) -> Html:
    """The mean latency of the published number of users, where it was measured."""
    pieces = [piece for deployment in SET_UPS if (piece := _mean_latency(report, deployment))]
    if not pieces:
        return Html("")
    return Html(f"<p>{sentence('Mean latency of 100 users with think time: ')}{'; '.join(pieces)}.</p>")


def _mean_latency(report: Report, deployment: str) -> str:
    finding = report.finding(f"mean-{SUSTAINED_100}-{deployment}")
    if finding is None or finding.effect is None:
        return ""
    mean = of_finding(finding, milliseconds_form(finding.effect))
    runs = plural(len(finding.runs), "run")
    return str(sentence("{name} {mean} ({runs})", name=LABELS[deployment], mean=mean, runs=runs))


def _curve(report: Report) -> Html:
    rows = []
    for deployment in SET_UPS:
        predicted = [(count, mean_latency_ms(report.experiment, deployment, count)) for count in USERS]
        rows += [{"series": deployment, "users": count, "mean_ms": mean_ms, "kind": "predicted"}
                 for count, mean_ms in predicted if mean_ms is not None]  # fmt: skip
        finding = report.finding(f"mean-{SUSTAINED_100}-{deployment}")
        if finding is not None and finding.effect is not None:
            rows.append({"series": deployment, "users": 100, "mean_ms": finding.effect, "kind": "measured"})
    if not rows:
        return Html("")
    frame = pd.DataFrame(rows)
    return inline(
        lambda: users_curve(frame, PUBLISHED_USERS),
        "users",
        "Mean latency as users are added",
        "Dashed: mean-value analysis from the demands of one run. Dots: measured.",
    )


def _limits(report: Report) -> Html:
    """For each set-up the resources in the order in which they saturate, as predicted."""
    items = [item for deployment in SET_UPS if (item := _limit_item(report, deployment))]
    if not items:
        return Html("")
    listed = "".join(f"<li>{item}</li>" for item in items)
    return Html(f"<p>Predicted, as users are added:</p>\n<ul>{listed}</ul>")


def _limit_item(report: Report, deployment: str) -> str:
    """The resource that is saturated first, what lifts it, and the one after it; empty where no demand is known."""
    first, *others = [*limits(report.experiment, deployment)[:2], None]
    if first is None:
        return ""
    text = sentence(
        "{name}: the {resource} saturated at {users} users ({rate} requests/s); {lift} would lift it",
        name=LABELS[deployment], resource=_is(first), users=_count(first.users), rate=_count(first.throughput_rps),
        lift=LIFTS[first.resource],
    )  # fmt: skip
    second = others[0] if others else None
    if second is None:
        return f"{text}."
    then = sentence(", then the {resource} at {users} users.", resource=_is(second).rpartition(" ")[0],
                    users=_count(second.users))  # fmt: skip
    return f"{text}{then}"


def _is(limit: Limit) -> str:
    """`worker is`, `CPU cores are`."""
    return f"{limit.resource} {'are' if limit.resource.endswith('s') else 'is'}"


def _count(value: float) -> Html:
    return number(f"{value:,.0f}", SECTION)


def _brackets(report: Report) -> Html:
    """The measured capacities; where users were measured alone, a line that says how to get them."""
    if capacity_results(report.experiment):
        return capacity.capacity(report)
    if not str(_sentence(report)):
        return Html("")
    return Html(
        f'<p class="note">{sentence("Capacities are bracketed by ")}<code>make report PROFILE=capacity</code>.</p>'
    )

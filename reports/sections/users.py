"""How many users a set-up sustains: predicted curves, measured loads, and the resource that is saturated first."""

import pandas as pd

from analysis.capacity.bracket import capacity_results
from analysis.figures.users_curve import users_curve
from analysis.saturation_ladder import Limit, limits, mean_latency_ms
from workbench.arms import ADVISED, BASELINE, LABELS, SUSTAINED_100, TUNED

from ..markup import Html
from ..numerals import SECTION, number, of_finding, sentence
from ..svg import inline
from ..tables import behind, table
from . import capacity, loads, what_if
from .comparison import Report, join

SET_UPS = (BASELINE, ADVISED, TUNED)
PUBLISHED_USERS = 100
USERS = (1, 2, 5, 10, 20, 35, 50, 75, 100, 200, 350, 500, 750, 1000, 1500, 2000)
LIFTS = {
    "worker": "a worker a core",
    "CPU cores": "less work, more cores",
    "hash slots": "a cheaper hash, or more cores",
    "busiest event loop": "requests spread over the loops",
}


def users(report: Report) -> Html:
    """A sentence, the curve, the ladder of limits, and in folds the loads behind them."""
    return join(
        _sentence(report),
        _curve(report),
        _limits(report),
        _brackets(report),
        behind(("loads that were not published", loads.other_loads(report)), ("predictions", what_if.what_if(report))),
    )


def _sentence(report: Report) -> Html:
    """The mean latency of the published number of users, where it was measured."""
    pieces = []
    for deployment in SET_UPS:
        finding = report.finding(f"mean-{SUSTAINED_100}-{deployment}")
        if finding is not None and finding.effect is not None:
            pieces.append(
                str(sentence("{name} {mean}", name=LABELS[deployment], mean=of_finding(finding, "{:.0f} ms")))
            )
    if not pieces:
        return Html(f"<p>{sentence('No set-up was run with 100 users.')}</p>")
    return Html(f"<p>{sentence('Mean latency of 100 users with think time, one run each: ')}{'; '.join(pieces)}.</p>")


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
    """For each set-up the resources in the order in which they saturate."""
    rows = [_limit_row(deployment, place, limit) for deployment in SET_UPS
            for place, limit in enumerate(limits(report.experiment, deployment)[:2], start=1)]  # fmt: skip
    if not rows:
        return Html("")
    caption = "Which resource is saturated first, and which then (predicted)"
    return table(pd.DataFrame(rows, dtype=object), caption)


def _limit_row(deployment: str, place: int, limit: Limit) -> dict:
    return {
        "set-up": LABELS[deployment] if place == 1 else Html('<span class="again">then</span>'),
        "resource": limit.resource,
        "saturated at (users)": number(f"{limit.users:,.0f}", SECTION),
        "requests/s": number(f"{limit.throughput_rps:,.0f}", SECTION),
        "what lifts it": LIFTS[limit.resource],
    }


def _brackets(report: Report) -> Html:
    """The measured capacities, or a line that says how to get them."""
    if capacity_results(report.experiment):
        return capacity.capacity(report)
    return Html(
        f'<p class="note">{sentence("Capacities are bracketed by ")}<code>make report PROFILE=capacity</code>.</p>'
    )

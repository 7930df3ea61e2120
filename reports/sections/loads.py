"""Latency: single requests, bursts of 25 and 50 users, loads that were not published, and why it grows."""

from functools import partial

import pandas as pd

from analysis import queueing
from analysis.figures.axes import duration
from analysis.findings import evidence
from analysis.metrics import arm_estimates, arm_metrics, cpu_metrics, published_report
from analysis.metrics.arm_metrics import ENDPOINTS, WRITES
from analysis.stats.confidence import FEWEST_BLOCKS

from ..tables import Html, Quantity, Verdict, table
from .comparison import BASE, OURS, Line, Report, comparison, join, prose, ratio, with_interval

NOT_PUBLISHED = ("burst-50-shared-jar", "burst-10-mix", "burst-50-mix", "sustained-100", "sustained-100-write")
ROLES = {"server": "workers", "database": "PostgreSQL", "store": "Valkey", "generator": "load generator"}


def individual(report: Report) -> Html:
    """Single requests: published, reproduced and tuned, against the published threshold."""
    theirs = published_report.load("individual").set_index("endpoint")
    base, ours = (arm_metrics.latency(report.experiment, name, "single") for name in (BASE, OURS))
    rows = []
    for endpoint in ENDPOINTS:
        stated = theirs["mean_ms"].get(endpoint)
        reproduced = base["mean_ms"].get(endpoint)
        rows.append(
            {
                "endpoint": endpoint,
                "published mean (ms)": stated,
                "reproduced (ms)": reproduced,
                "reproduced / published": ratio(reproduced, stated),
                "tuned (ms)": ours["mean_ms"].get(endpoint),
                "reproduced median (ms)": base["median_ms"].get(endpoint),
                "reproduced range (ms)": _range(base, endpoint),
                f"under {evidence.THRESHOLD_MS:.0f} ms": _under(reproduced, evidence.THRESHOLD_MS),
            }
        )
    note = (
        "Closed load, one user, 30 requests each after one pass of warm-up, one run each, no interval. The published "
        "run gave no login figure."
    )
    return table(pd.DataFrame(rows), "Single requests", note=note, formats={"reproduced / published": "{:.2f}"})


def load(report: Report, users: int) -> Html:
    """One burst: totals and latencies by endpoint, with the error of the queueing prediction."""
    scenario, experiment = f"burst-{users}", report.experiment
    stated = published_report.load("load").query("users == @users").set_index("endpoint")["mean_ms"]
    predicted = queueing.predict_burst(experiment, users)
    rows = []
    for endpoint in ENDPOINTS:
        base, ours = (arm_estimates.latency(experiment, name, scenario, endpoint) for name in (BASE, OURS))
        reproduced = base and base.value
        rows.append(
            {
                "endpoint": endpoint,
                "published mean (ms)": stated.get(endpoint),
                "reproduced (ms)": with_interval(base, "{:,.0f}"),
                "reproduced / published": ratio(reproduced, stated.get(endpoint)),
                "predicted by the queue (ms)": Quantity.of(predicted.get(endpoint), "{:,.0f}"),
                "error of the prediction": _error(predicted.get(endpoint), reproduced),
                "tuned (ms)": with_interval(ours, "{:,.0f}"),
            }
        )
    formats = {"reproduced / published": "{:.2f}", "error of the prediction": "{:+.1%}"}
    blocks = {name: experiment.blocks(name, scenario) for name in (BASE, OURS)}
    note = f"Closed load, {users} users at once, one pass. " + _interval_note(blocks)
    return join(
        _totals(report, users),
        table(
            pd.DataFrame(rows, dtype=object),
            f"{users} users at once: mean latency by endpoint",
            note=note,
            formats=formats,
        ),
        _work(report, scenario),
    )


def _work(report, scenario):
    """How near the burst came to the least time of its work, and what else the cores did."""
    experiment = report.experiment

    def floor_s(deployment):
        return cpu_metrics.floor_s(experiment, deployment, scenario)

    def duration_s(deployment):
        return arm_metrics.duration_s(experiment, deployment, scenario)

    def over_floor(deployment):
        return ratio(duration_s(deployment), floor_s(deployment))

    def cpu_s(role):
        def measure(deployment):
            spent_ms = [cpu_metrics.cpu_ms(run, role) for run in experiment.find(deployment, scenario)]
            return pd.Series(spent_ms, dtype=float).median() / 1000

        return measure

    lines = [
        Line("least time of its hashes and queries (s)", None, floor_s, "{:.2f}"),
        Line("duration / least time", None, over_floor, "{:.2f}"),
        *(Line(f"CPU, {what} (s)", None, cpu_s(role), "{:.2f}") for role, what in ROLES.items()),
    ]
    note = (
        "The least time takes each hash and each query as long as it is alone, and all cores for nothing else. CPU "
        "from the last reading before the load to the first after it; the load generator counts its own."
    )
    return comparison(f"{scenario}: its work", lines, note=note)


def other_loads(report: Report) -> Html:
    """Loads that the published report did not have: mixed search terms, and users with think time."""
    experiment = report.experiment

    def latency(scenario, endpoint, figure):
        def measure(deployment):
            return with_interval(arm_estimates.latency(experiment, deployment, scenario, endpoint, figure), "{:,.1f}")

        return measure

    def right(scenario):
        return lambda deployment: with_interval(arm_estimates.success_ratio(experiment, deployment, scenario), "{:.1%}")

    lines = []
    for scenario in NOT_PUBLISHED:
        if not any(experiment.find(deployment, scenario) for deployment in (BASE, OURS)):
            continue
        lines.append(Line(f"{scenario}: right answers", None, right(scenario), "{:.1%}"))
        for endpoint in (*ENDPOINTS, *(WRITES if scenario.endswith("-write") else ())):
            lines.append(Line(f"{scenario}: {endpoint}, mean (ms)", None, latency(scenario, endpoint, "mean_ms")))
            lines.append(Line(f"{scenario}: {endpoint}, p95 (ms)", None, latency(scenario, endpoint, "p95_ms")))
    if not lines:
        return prose("This experiment ran none of them.")
    text = (
        "The published term BAG is found at once: the first fifty bags with a name end the search. A term that matches "
        "few bags, or none, reads the whole table without a trigram index; the mix has such terms. Shared-jar is the "
        "load as the published script made it: one account and one cookie jar for all users, and any 200 or 302 taken "
        "for success."
    )
    note = f"Closed load. In brackets the 95 % interval, where {FEWEST_BLOCKS} blocks or more give one."
    return join(prose(text), comparison("Loads that were not published", lines, note=note))


def explanation(report: Report) -> Html:
    """Why the latency grows with the users, in a sentence with its figures."""
    split = cpu_metrics.time_split(report.experiment, BASE, "burst-50")
    split = split[split["statistic"] == "mean"]
    if split.empty:
        return prose("The burst of 50 users was not measured on as-measured.")
    of_parts = split.groupby("part")["mean_ms"].sum(min_count=1)
    if of_parts.isna().any():
        return prose(f"Why is not told: {', '.join(of_parts.index[of_parts.isna()])} was not measured in these runs.")
    shares = of_parts / of_parts.sum()
    base = arm_metrics.latency(report.experiment, BASE, "burst-50")["mean_ms"]
    predicted = queueing.predict_burst(report.experiment, 50)
    text = f"In as-measured {shares['queue']:.1%} of the time of a request is spent waiting for a worker."
    if predicted:
        service = queueing.service_ms(report.experiment)
        worst = max(abs(_error(predicted[endpoint], base[endpoint])) for endpoint in ENDPOINTS)
        text += (
            f" The three requests of a user take its one worker {sum(service.values()):.0f} ms alone, so 50 users "
            f"take it {duration(predicted['duration'])}; replaying that one queue from single-request times gives "
            f"every measured mean within {worst:.0%}."
        )
    return prose(text)


def _totals(report, users):
    experiment, scenario = report.experiment, f"burst-{users}"
    stated = published_report.load("totals").set_index("users").loc[users]

    def of(estimate, form):
        return lambda deployment: with_interval(estimate(experiment, deployment, scenario), form)

    lines = [
        Line("right answers", stated["success_ratio"], of(arm_estimates.success_ratio, "{:.1%}"), "{:.1%}"),
        Line("duration (s)", stated["duration_s"], of(arm_estimates.duration_s, "{:.2f}"), "{:.2f}"),
        Line("throughput (requests/s)", stated["throughput_rps"], of(arm_estimates.throughput_rps, "{:.1f}"), "{:.1f}"),
        *(
            Line(f"{endpoint}, p95 (ms)", None, of(partial(_p95_ms, endpoint), "{:,.0f}"), "{:,.0f}")
            for endpoint in ENDPOINTS
        ),
    ]
    blocks = {name: experiment.blocks(name, scenario) for name in (BASE, OURS)}
    return comparison(f"{users} users at once: totals", lines, note=_interval_note(blocks))


def _p95_ms(endpoint, experiment, deployment, scenario):
    return arm_estimates.latency(experiment, deployment, scenario, endpoint, "p95_ms")


def _interval_note(blocks):
    few, most = min(blocks.values()), max(blocks.values())
    told = f"No interval: {few} block{'s' if few != 1 else ''}, and fewer than {FEWEST_BLOCKS} do not give one."
    if most < FEWEST_BLOCKS:
        return told
    shown = f"In brackets the 95 % interval, from {most} blocks; of latencies by sectioning."
    return shown if few >= FEWEST_BLOCKS else f"{shown} Where there is none: {few} block{'s' if few != 1 else ''}."


def _error(predicted, measured):
    return None if predicted is None or measured is None else predicted / measured - 1


def _under(figure, bound):
    return Verdict.NOT_MEASURED if figure is None else Verdict.PASS if figure < bound else Verdict.FAIL


def _range(frame, endpoint):
    if frame.empty:
        return None
    return f"{frame['min_ms'][endpoint]:.0f}–{frame['max_ms'][endpoint]:.0f}"

"""Our own objectives for the deployments, and how each is judged from an experiment's runs."""

from collections.abc import Callable

import pandas as pd

from . import costs, measures
from .judgement import BASE, OURS, THRESHOLD_MS, Judgement, all_successful, fast_alone, not_run, speedup
from .recording import Experiment

LEAST_SPEEDUP, HIGHEST_FLOOR_RATIO = 12.0, 1.5
BURST_READS_MS, SUSTAINED_READS_MS = 300.0, 50.0
SUMMARY_MS, SEARCH_MS = 2.0, 20.0
BY_SUMMARY, BY_SEPARATE = "as-measured-with-summary", "as-measured-with-separate"
BY_TRIGRAM = "as-measured-with-trigram"
OVER_BUDGET = "as-advised-at-default"


def _fast_burst(experiment):
    ratio = speedup(experiment)
    if ratio is None:
        return Judgement(None, "burst-50 was not run on both deployments")
    text = f"from the first send to the last answer {ratio:.1f} times faster than as-measured"
    runs = (*experiment.find(BASE, "burst-50"), *experiment.find(OURS, "burst-50"))
    return Judgement(ratio >= LEAST_SPEEDUP, text, ratio, runs, LEAST_SPEEDUP)


def _refused_over_budget(experiment):
    runs = experiment.find(OVER_BUDGET, "start")
    if not runs:
        return not_run(OVER_BUDGET, "start")
    outcome = runs[0].record["outcome"]
    refused = not outcome["started"] and "over the connection budget" in outcome["said"]
    text = outcome["said"] or "it started"
    return Judgement(refused, text, None, tuple(runs))


def _nothing_lost(experiment):
    runs = [run for run in experiment.find(OURS, "sustained-100-write") if run.record.get("writes")]
    if not runs:
        return not_run(OURS, "sustained-100-write")
    writes = pd.DataFrame([run.record["writes"] for run in runs]).sum()
    text = (
        f"of {writes['acknowledged']} acknowledged scans {writes['lost']} are not in the database, and "
        f"{writes['doubled']} of {writes['stored']} are there twice"
    )
    return Judgement(bool(writes["lost"] + writes["doubled"] == 0), text, float(writes["lost"]), tuple(runs))


def _summary_answers(experiment):
    median_ms = _dashboard_db_ms(experiment, BY_SUMMARY)
    if median_ms is None:
        return not_run(BY_SUMMARY, "reads")
    text = f"median {median_ms:.2f} ms in the database for both statements of the dashboard"
    for deployment, how in ((BASE, "by one aggregated statement"), (BY_SEPARATE, "by separate ones")):
        if (other_ms := _dashboard_db_ms(experiment, deployment)) is not None:
            text += f"; {other_ms:.1f} ms {how}"
    runs = tuple(experiment.find(BY_SUMMARY, "reads"))
    return Judgement(median_ms < SUMMARY_MS, text, median_ms, runs, SUMMARY_MS)


def _dashboard_db_ms(experiment, deployment):
    rows = experiment.measured(deployment, "reads")
    return None if rows.empty else float(rows.loc[rows["endpoint"] == "dashboard", "db_ms"].median())


def _search_answers(experiment):
    rows = experiment.measured(BY_TRIGRAM, "reads")
    if rows.empty:
        return not_run(BY_TRIGRAM, "reads")
    latency_ms = rows.loc[rows["endpoint"] == "search", "latency_ms"]
    p95_ms = float(latency_ms.quantile(0.95))
    text = f"p95 {p95_ms:.1f} ms of {len(latency_ms)} searches from the mix, longest {latency_ms.max():.1f} ms"
    runs = tuple(experiment.find(BY_TRIGRAM, "reads"))
    return Judgement(p95_ms < SEARCH_MS, text, p95_ms, runs, SEARCH_MS)


def _near_the_floor(experiment):
    taken_s, floor_s = measures.duration_s(experiment, OURS, "burst-50"), costs.floor_s(experiment, OURS, "burst-50")
    if taken_s is None or floor_s is None:
        return Judgement(None, f"burst-50 and single requests were not both run on {OURS}")
    ratio = taken_s / floor_s
    text = (
        f"{taken_s:.2f} s, {ratio:.2f} times the {floor_s:.2f} s in which the cores could do its hashes and queries "
        "and nothing else"
    )
    runs = (*experiment.find(OURS, "burst-50"), *experiment.find(OURS, "single"))
    return Judgement(ratio <= HIGHEST_FLOOR_RATIO, text, ratio, runs, HIGHEST_FLOOR_RATIO)


def _fast_reads(scenario: str, bound_ms: float) -> Callable[[Experiment], Judgement]:
    def check(experiment):
        p95_ms = measures.reads_p95_ms(experiment, OURS, scenario)
        if p95_ms is None:
            return not_run(OURS, scenario)
        runs = experiment.find(OURS, scenario)
        text = f"p95 of all reads {p95_ms:.1f} ms, bound {bound_ms:.0f} ms"
        return Judgement(p95_ms < bound_ms, text, p95_ms, tuple(runs), bound_ms)

    return check


OBJECTIVES = (
    ("tuned-burst", f"burst-50 on tuned at least {LEAST_SPEEDUP:.0f} times faster than on as-measured", _fast_burst),
    (
        "tuned-floor",
        f"burst-50 on tuned in at most {HIGHEST_FLOOR_RATIO:.1f} times the least time of its hashes and queries",
        _near_the_floor,
    ),
    ("tuned-success", "no failed request in burst-50 on tuned", all_successful(OURS, "burst-50")),
    (
        "tuned-burst-reads",
        f"reads in burst-50 on tuned under {BURST_READS_MS:.0f} ms at p95",
        _fast_reads("burst-50", BURST_READS_MS),
    ),
    ("tuned-sustained-success", "no failed request in sustained-100 on tuned", all_successful(OURS, "sustained-100")),
    (
        "tuned-sustained-reads",
        f"reads in sustained-100 on tuned under {SUSTAINED_READS_MS:.0f} ms at p95",
        _fast_reads("sustained-100", SUSTAINED_READS_MS),
    ),
    ("tuned-nothing-lost", "every acknowledged scan is stored once on tuned", _nothing_lost),
    ("summary-answers", f"statistics by summary under {SUMMARY_MS:.0f} ms in the database", _summary_answers),
    ("trigram-search", f"mixed searches under {SEARCH_MS:.0f} ms at p95 with trigram indexes", _search_answers),
    (
        "budget-refusal",
        "the advised pools are refused at PostgreSQL's default of 100 connections",
        _refused_over_budget,
    ),
    *(
        (
            f"tuned-{endpoint}-alone",
            f"{endpoint} alone under {THRESHOLD_MS:.0f} ms on tuned",
            fast_alone(endpoint, OURS),
        )
        for endpoint in measures.ENDPOINTS
    ),
)

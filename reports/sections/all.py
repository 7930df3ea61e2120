"""The sections of the page, in the order of the published report: each compares published, reproduced and tuned.

Every figure in a sentence is computed here from the runs or read from `data/published`. *Reproduced* is our
measurement of `as-measured`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import pandas as pd

from analysis import findings as claims
from analysis import measures, published, queueing
from analysis.figures import duration
from analysis.measures import ENDPOINTS
from analysis.recording import Experiment

from .tables import Html, Verdict, headline, table

BASE, CLAIMED, OURS = "as-measured", "as-claimed", "tuned"
FEWEST_BLOCKS = 4


@dataclass(frozen=True)
class Report:
    """What the page is made of."""

    experiment: Experiment
    findings: list[claims.Finding]


def summary(report: Report) -> Html:
    """The first screen: the verdict in one sentence and the figures behind it."""
    experiment = report.experiment
    ratio = claims.speedup(experiment)
    slow, fast = (measures.duration_s(experiment, name, "burst-50") for name in (BASE, OURS))
    predicted_s = queueing.predict_burst(experiment, 50).get("duration", float("nan")) / 1000
    if ratio is None:
        return headline([], "This experiment did not measure 50 users at once on both deployments.")
    checked = [finding for finding in report.findings if finding.kind == "checklist"]
    count = {verdict: sum(f.verdict == verdict for f in checked) for verdict in ("pass", "fail", "not measured")}
    verdict = (
        f"50 users at once are served in {_seconds(fast)} instead of {_seconds(slow)}: the published set-up queues "
        f"everyone behind one worker, and ours is {ratio:.1f} times faster."
    )
    items = [
        (
            "50 users at once, published set-up",
            _seconds(slow),
            f"a queue behind one worker predicts {_seconds(predicted_s)}",
        ),
        ("50 users at once, tuned", _seconds(fast), f"{ratio:.1f} times faster"),
        ("Right answers, tuned", _percent(measures.success_ratio(experiment, OURS, "burst-50")), "judged by content"),
        (
            "Published checklist",
            f"{count['pass']} of {len(checked)}",
            f"{count['fail']} fail, {count['not measured']} not measured",
        ),
    ]
    scale = experiment.record["scale"]
    warning = [] if scale == "production" else [_prose(f"Scale {scale}: made to try the workbench, not to be quoted.")]
    return _join(headline(items, verdict), *warning)


def pool(report: Report) -> Html:
    """The published pool profiles, and what the server saw of the pool in the runs."""
    profiles = published.load("pool").rename(
        columns={
            "pool_size": "size", "pool_max_overflow": "overflow", "recycle_s": "recycle (s)",
            "keepalives_idle_s": "keepalives idle (s)",
        }
    )  # fmt: skip
    rows = []
    for deployment in (BASE, CLAIMED, OURS):
        for run in report.experiment.find(deployment, "burst-50")[:1]:
            settings = run.record["deployment"]["settings"]
            rows.append(
                {
                    "deployment": deployment,
                    "workers": settings["workers"],
                    "pool, all workers": settings["workers"] * (settings["pool_size"] + settings["pool_max_overflow"]),
                    "most connections the server saw": measures.most_connections(run),
                    "connections made": measures.database_total(run, "database", "sessions"),
                    "requests with a query": int((run.requests["db_calls"] > 0).sum()),
                    "pre-pings": measures.database_total(run, "statement", "calls", claims.PRE_PING),
                }
            )
    text = (
        "A worker that serves one request at a time uses one connection, however large its pool is. "
        "The table shows what the database server itself counted during 50 users at once, the health check included."
    )
    return _join(
        table(profiles, "Published pool profiles"), _prose(text), table(pd.DataFrame(rows), "The pool in use, burst-50")
    )


def caches(report: Report) -> Html:
    """What the caches did in each deployment."""
    rows = []
    for deployment in (BASE, CLAIMED, OURS):
        outcomes = measures.cache_outcomes(report.experiment, deployment, "burst-50")
        if not outcomes.empty:
            rows.append(
                {"deployment": deployment, **{name: int(outcomes.get(name, 0)) for name in ("hit", "stale", "miss")}}
            )
    declared = published.load("caches").rename(columns={"ttl_s": "published TTL (s)"})
    verdict = claims.caches_in_force(report.experiment)
    return _join(
        table(declared, "Published cache lifetimes"),
        table(pd.DataFrame(rows), "Cache outcomes of 150 requests, burst-50", note=verdict.evidence + "."),
    )


def sessions(report: Report) -> Html:
    """What a session costs, by kind of storage."""
    declared = published.load("sessions").rename(columns={"lifetime_s": "lifetime (s)"})
    rows = []
    for deployment in (BASE, OURS):
        measured = report.experiment.measured(deployment, "single")
        if not measured.empty:
            run = report.experiment.find(deployment, "single")[0]
            means = measured.groupby("endpoint")["session_ms"].mean()
            storage = run.record["deployment"]["settings"]["sessions"]
            rows.append(
                {"deployment": deployment, "storage": storage, **{f"{e} (ms)": means.get(e) for e in ENDPOINTS}}
            )
    return _join(
        table(declared, "Published session storage"),
        table(pd.DataFrame(rows), "Mean time for the session, single requests"),
    )


def schema(report: Report) -> Html:
    """The rows that every run started from."""
    if not report.experiment.runs:
        return _prose("No run was recorded.")
    data = report.experiment.runs[0].record["dataset"]
    frame = pd.DataFrame({"table": list(data["counts"]), "rows": list(data["counts"].values())})
    return table(frame, f"Rows in each run's database, scale {data['scale']}, counted before the load")


def individual(report: Report) -> Html:
    """Single requests: published, reproduced and tuned, against the published threshold."""
    theirs = published.load("individual").set_index("endpoint")
    base, ours = (measures.latency(report.experiment, name, "single") for name in (BASE, OURS))
    rows = []
    for endpoint in ENDPOINTS:
        stated = theirs["mean_ms"].get(endpoint)
        reproduced = base["mean_ms"].get(endpoint)
        rows.append(
            {
                "endpoint": endpoint,
                "published mean (ms)": stated,
                "reproduced (ms)": reproduced,
                "ratio to published": _ratio(reproduced, stated),
                "tuned (ms)": ours["mean_ms"].get(endpoint),
                "reproduced median (ms)": base["median_ms"].get(endpoint),
                "reproduced range (ms)": _range(base, endpoint),
                "under 300 ms": _under(reproduced, claims.THRESHOLD_MS),
            }
        )
    note = "Closed load, one user, 30 requests each after one pass of warm-up. The published run gave no login figure."
    return table(pd.DataFrame(rows), "Single requests", note=note, formats={"ratio to published": "{:.2f}"})


def load(report: Report, users: int) -> Html:
    """One burst: totals and latencies by endpoint, with the error of the queueing prediction."""
    scenario, experiment = f"burst-{users}", report.experiment
    stated = published.load("load").query("users == @users").set_index("endpoint")["mean_ms"]
    base, ours = (measures.latency(experiment, name, scenario)["mean_ms"] for name in (BASE, OURS))
    predicted = queueing.predict_burst(experiment, users)
    rows = [
        {
            "endpoint": endpoint,
            "published mean (ms)": stated.get(endpoint),
            "reproduced (ms)": base.get(endpoint),
            "ratio to published": _ratio(base.get(endpoint), stated.get(endpoint)),
            "predicted by the queue (ms)": predicted.get(endpoint),
            "error of the prediction": _error(predicted.get(endpoint), base.get(endpoint)),
            "tuned (ms)": ours.get(endpoint),
        }
        for endpoint in ENDPOINTS
    ]
    formats = {"ratio to published": "{:.2f}", "error of the prediction": "{:+.1%}"}
    blocks = {name: len(experiment.find(name, scenario)) for name in (BASE, OURS)}
    note = f"Closed load, {users} users at once, one pass. " + _interval_note(blocks)
    return _join(
        table(_totals(report, users), f"{users} users at once: totals", formats={"figure": str}),
        table(pd.DataFrame(rows), f"{users} users at once: mean latency by endpoint", note=note, formats=formats),
    )


def other_loads(report: Report) -> Html:
    """Loads that the published report did not have: mixed search terms, and users with think time."""
    rows = []
    for scenario in ("burst-50-mix", "sustained-100"):
        for deployment in (BASE, OURS):
            for endpoint, figures in measures.latency(report.experiment, deployment, scenario).iterrows():
                rows.append(
                    {
                        "load": f"{scenario}, {deployment}, {endpoint}",
                        "requests": figures["requests"],
                        "mean (ms)": figures["mean_ms"],
                        "p95 (ms)": figures["p95_ms"],
                        "success": measures.success_ratio(report.experiment, deployment, scenario),
                    }
                )
    if not rows:
        return _prose("This experiment ran none of them.")
    text = (
        "The published term BAG is found at once: the first fifty bags with a name end the search. A term that matches "
        "few bags, or none, reads the whole table without a trigram index; the mix of 50 users has such terms."
    )
    return _join(
        _prose(text), table(pd.DataFrame(rows), "Closed load, one run each, no interval", formats={"success": "{:.1%}"})
    )


def explanation(report: Report) -> Html:
    """Why the latency grows with the users, in a sentence with its figures."""
    split = measures.time_split(report.experiment, BASE, "burst-50")
    if split.empty:
        return _prose("The burst of 50 users was not measured on as-measured.")
    shares = split.groupby("part")["mean_ms"].sum() / split["mean_ms"].sum()
    base = measures.latency(report.experiment, BASE, "burst-50")["mean_ms"]
    predicted = queueing.predict_burst(report.experiment, 50)
    text = f"In as-measured {shares['queue']:.1%} of the time of a request is spent waiting for the one worker."
    if predicted:
        service = queueing.service_ms(report.experiment)
        worst = max(abs(_error(predicted[endpoint], base[endpoint])) for endpoint in ENDPOINTS)
        text += (
            f" The three requests of a user take the worker {sum(service.values()):.0f} ms alone, so 50 users "
            f"take it {duration(predicted['duration'])}; replaying that one queue from single-request times gives "
            f"every measured mean within {worst:.0%}."
        )
    return _prose(text)


def checklist(report: Report) -> Html:
    """Every line of the published checklist with the verdict that its evidence gives."""
    return _findings(report, "checklist", "The published checklist, evaluated")


def objectives(report: Report) -> Html:
    """Our own objectives."""
    return _findings(report, "objective", "Objectives of the tuned deployment")


def recommendations(report: Report) -> Html:
    """The published recommendations, and the memory that the servers took here."""
    stated = published.load("recommendations")
    rows = []
    for deployment in (BASE, CLAIMED, OURS):
        for run in report.experiment.find(deployment, "burst-50")[:1]:
            settings, size = run.record["deployment"]["settings"], measures.peak_memory_bytes(run)
            rows.append(
                {
                    "deployment": deployment,
                    "server": f"{settings['server']}, {settings['workers']} × {settings['threads']} threads",
                    "peak memory of the server (MiB, PSS)": None if size is None else size / 2**20,
                    "50 users at once (s)": measures.duration_s(report.experiment, deployment, "burst-50"),
                }
            )
    return _join(
        table(stated, "Published recommendations"), table(pd.DataFrame(rows), "What the deployments took here")
    )


def next_steps(report: Report) -> Html:
    """The published next steps."""
    return table(published.load("next_steps"), "Published next steps")


def conclusion(report: Report) -> Html:
    """What holds of the published conclusion."""
    failed = [f.claim for f in report.findings if f.kind == "checklist" and f.verdict == "fail"]
    open_ = [f.claim for f in report.findings if f.kind == "checklist" and f.verdict == "not measured"]
    ratio = claims.speedup(report.experiment)
    gain = "was not measured" if ratio is None else f"is {ratio:.1f} times"
    return _prose(
        f"The gain of the tuned deployment at 50 users {gain}. Of the published checklist did not hold here: "
        f"{'; '.join(failed) or 'none'}. Not measured by this experiment: {'; '.join(open_) or 'none'}."
    )


def evidence(report: Report) -> Html:
    """Every run that the page uses, with the figures by which it is judged valid."""
    rows = []
    for run in report.experiment.runs:
        gates = {gate["name"]: gate["figure"] for gate in run.record["gates"]}
        rows.append(
            {
                "run": run.name,
                "block": run.block + 1,
                "rows": run.record["rows"],
                "status": run.status,
                "valid": Verdict.PASS if run.record["valid"] else Verdict.INVALID,
                "generator CPU, share of a core": gates.get("generator CPU, share of one core"),
            }
        )
    made = report.experiment.record["environment"]
    note = (
        f"Experiment {report.experiment.name}, {made['cpu_count']} cores ({made['cpu_model']}), "
        f"{made['memory_bytes'] / 2**30:.0f} GiB, Python {made['python']}, PostgreSQL {made['postgresql']}, commit "
        f"{(made['commit'] or 'unknown')[:12]}{' with changes' if made['dirty'] else ''}. The load generator and the "
        "system share this machine."
    )
    return table(
        pd.DataFrame(rows), "Runs behind this page", note=note, formats={"generator CPU, share of a core": "{:.0%}"}
    )


def _totals(report, users):
    experiment, scenario = report.experiment, f"burst-{users}"
    stated = published.load("totals").set_index("users").loc[users]
    figures = (
        ("success rate", _percent(stated["success_ratio"]), measures.success_ratio, _percent),
        ("duration", _seconds(stated["duration_s"]), measures.duration_s, _seconds),
        ("throughput", _rate(stated["throughput_rps"]), measures.throughput_rps, _rate),
    )
    rows = []
    for name, text, measure, show in figures:
        base, ours = (measure(experiment, deployment, scenario) for deployment in (BASE, OURS))
        rows.append({"figure": name, "published": text, "reproduced": show(base), "tuned": show(ours)})
    return pd.DataFrame(rows)


def _findings(report, kind, caption):
    rows = [
        {"claim": f.claim, "verdict": Verdict(f.verdict), "evidence": f.evidence, "runs": ", ".join(f.runs)}
        for f in report.findings
        if f.kind == kind
    ]
    return table(pd.DataFrame(rows), caption)


def _interval_note(blocks):
    few = min(blocks.values())
    if few >= FEWEST_BLOCKS:
        return f"Medians over {few} blocks."
    return f"No interval: {few} block{'s' if few != 1 else ''}, and fewer than {FEWEST_BLOCKS} do not give one."


def _ratio(ours, theirs):
    return None if ours is None or theirs is None or pd.isna(ours) else ours / theirs


def _error(predicted, measured):
    return None if predicted is None or measured is None else predicted / measured - 1


def _under(figure, bound):
    return Verdict.NOT_MEASURED if figure is None else Verdict.PASS if figure < bound else Verdict.FAIL


def _range(frame, endpoint):
    if frame.empty:
        return None
    return f"{frame['min_ms'][endpoint]:.0f}–{frame['max_ms'][endpoint]:.0f}"


def _seconds(value):
    return None if value is None or pd.isna(value) else f"{value:.2f} s"


def _percent(value):
    return None if value is None else f"{value:.1%}"


def _rate(value):
    return None if value is None else f"{value:.1f} requests/s"


def _prose(text):
    return Html(f"<p>{escape(text)}</p>")


def _join(*pieces: Iterable[Html]) -> Html:
    return Html("\n".join(str(piece) for piece in pieces))

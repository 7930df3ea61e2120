"""The request side: caches and sessions as declared and in use, one deployment a row, and the choice of workers."""

import pandas as pd

from analysis.findings import checklist
from analysis.metrics import arm_metrics, cpu_metrics, published_report
from analysis.metrics.arm_metrics import ENDPOINTS
from workbench.aggregates import READS
from workbench.recording import arm

from ..tables import Html, Quantity, table
from .comparison import (
    BASE,
    CLAIMED,
    MAIN,
    OURS,
    Line,
    Report,
    comparison,
    first_run,
    join,
    main_first,
    percent,
    prose,
    settings_of,
)

BURST = "burst-50"
NOTE = "Closed load, 50 users at once, one pass; the first run of each deployment, no interval."
NOTE_OF_TIMES = f"{NOTE} Under gevent a time has in it what its request waits for the loop while others hash or wait."


def caches(report: Report) -> Html:
    """The caches as declared, and what they answered under 50 users at once."""
    ttl_s = published_report.load("caches").set_index("endpoint")["ttl_s"]

    def lifetime(name):
        def measure(deployment):
            settings = settings_of(report, deployment)
            return None if not settings else "not in force" if settings["cache"] == "off" else settings[name]

        return measure

    def outcome(name):
        def measure(deployment):
            outcomes = arm_metrics.cache_outcomes(report.experiment, deployment, BURST)
            return None if outcomes.empty else int(outcomes.get(name, 0))

        return measure

    lines = [
        Line("lifetime of dashboard answers (s)", int(ttl_s["dashboard"]), lifetime("cache_statistics_ttl_s")),
        Line("lifetime of search answers (s)", int(ttl_s["search"]), lifetime("cache_search_ttl_s")),
        Line("answers from the cache", None, outcome("hit")),
        Line("answers past their lifetime", None, outcome("stale")),
        Line("answers computed on a miss", None, outcome("miss")),
    ]
    note = f"Answers are counted in burst-50. {checklist.caches_in_force(report.experiment).evidence}."
    declared = comparison("The caches, declared and in use", lines, deployments=(BASE, CLAIMED, OURS), note=note)
    return join(declared, _by_deployment(report, "Caches by deployment", _cache_row, "cache", note=NOTE_OF_TIMES))


def sessions(report: Report) -> Html:
    """The session storage as declared, and what a session costs a request."""
    declared = published_report.load("sessions").iloc[0]

    def storage(name, only="filesystem"):
        def measure(deployment):
            settings = settings_of(report, deployment)
            return None if not settings else settings[name] if settings["sessions"] == only else "no files"

        return measure

    def cost(endpoint):
        def measure(deployment):
            means_ms = arm(report.experiment.by_endpoint, deployment, "single").set_index("endpoint")["session_ms"]
            return None if means_ms.empty else float(means_ms.get(endpoint).mean())

        return measure

    lines = [
        Line("storage", declared["storage"], lambda deployment: settings_of(report, deployment).get("sessions")),
        Line("sessions kept on disk at most", int(declared["threshold"]), storage("session_threshold")),
        Line(
            "lifetime (s)",
            int(declared["lifetime_s"]),
            lambda deployment: settings_of(report, deployment).get("session_lifetime_s"),
        ),
        *(Line(f"session time, {endpoint} (ms)", None, cost(endpoint), "{:.2f}") for endpoint in ENDPOINTS),
    ]
    of_single = comparison("The session, declared and measured", lines, note="The times are means of single requests.")
    by_deployment = _by_deployment(report, "Sessions by deployment", _session_row, "sessions", note=NOTE_OF_TIMES)
    return join(of_single, by_deployment)


def workers(report: Report) -> Html:
    """Why the tuned deployment has the workers and threads that it has, from what a request costs."""
    settings = settings_of(report, OURS)
    single = arm(report.experiment.by_endpoint, OURS, "single").groupby("endpoint")[["hash_ms", "app_ms"]].mean()
    run = first_run(report, OURS, "sustained-100")
    cpu_ms = run and cpu_metrics.cpu_ms_per_request(run)
    if not settings or single.empty or single["app_ms"].isna().any() or pd.isna(single.loc["login", "hash_ms"]):
        return prose("The choice of workers is explained from single requests of tuned, which were not run.")
    cores = report.experiment.record["environment"]["cpu_count"]
    hash_ms, app_ms = single.loc["login"]
    read_ms = single.loc[[*READS], "app_ms"].mean()
    text = (
        f"This machine has {cores} cores. A login on tuned takes {app_ms:.1f} ms in the application, and "
        f"{hash_ms / app_ms:.0%} of that is its hash, alone all CPU; a read takes {read_ms:.1f} ms. "
    )
    if cpu_ms:
        text += f"Under 100 users with think time a request costs the workers {cpu_ms:.1f} ms of CPU on the average. "
    text += (
        "Work that is CPU and hardly any waiting is done soonest by one worker a core (at most eight): "
        f"{settings['workers']} workers; more would take turns on the same cores. Threads are for those who wait: each "
        f"worker computes {settings['hash_limit']} hash at a time, so nearly all of 50 logins at once hold a thread "
        "while they wait for it, in the worst case in one worker, and reads want to pass them: "
        f"{settings['threads']} threads. A waiting thread costs memory, but no CPU."
    )
    return join(
        prose(text), _by_deployment(report, "Workers by deployment", _worker_row, "server", "workers", "hash_limit")
    )


def _by_deployment(report, caption, row_of, *fields, note=NOTE):
    """A row for each of the main deployments that ran the burst, and for those that differ from tuned in a field."""
    rows = []
    for deployment in main_first(run.deployment for run in report.experiment.runs if run.scenario == BURST):
        run = first_run(report, deployment, BURST)
        settings = settings_of(report, deployment)
        differs = any(settings[name] != settings_of(report, OURS).get(name) for name in fields)
        if run is not None and (deployment in MAIN or differs):
            rows.append({"deployment": deployment} | row_of(run, settings))
    return table(pd.DataFrame(rows, dtype=object), caption, note=note) if rows else prose("No burst of 50 was run.")


def _cache_row(run, settings):
    row = {"cache": settings["cache"]}
    of = run.by_endpoint.set_index("endpoint").reindex(READS)
    for endpoint in READS:
        for outcome in ("hit", "stale", "miss"):
            count = of.loc[endpoint, outcome]
            known = settings["cache"] != "off" and count >= 0 and not run.lacks("cache")
            row[f"{endpoint}: {outcome}"] = int(count) if known else None
    row["cache time of a hit (ms)"] = Quantity.of(arm_metrics.median(run, "cache_ms", "cache = 'hit'"), "{:.2f}")
    statements = arm_metrics.mean(run, "db_calls", "endpoint <> 'login'")
    row["statements of a read"] = Quantity.of(statements, "{:.2f}")
    return row


def _session_row(run, settings):
    reads = run.by_endpoint[run.by_endpoint["endpoint"] != "login"]
    return {
        "sessions": settings["sessions"],
        "login (ms)": Quantity.of(arm_metrics.median(run, "session_ms", "endpoint = 'login'"), "{:.2f}"),
        "read (ms)": Quantity.of(arm_metrics.median(run, "session_ms", "endpoint <> 'login'"), "{:.2f}"),
        "reads served to their session": percent(reads["successful"].sum() / reads["requests"].sum()),
        "living sessions evicted": arm_metrics.counter(run, "session_evictions"),
        "failures of the store": arm_metrics.counter(run, "store_failures"),
    }


def _worker_row(run, settings):
    shares = arm_metrics.worker_shares(run)
    return {
        "server": settings["server"],
        "workers": settings["workers"],
        "threads of each": settings["threads"] if settings["server"] == "gthread" else None,
        "hashes at once in each": settings["hash_limit"] or "any number",
        "answered by the busiest": percent(shares.max()) if len(shares) else None,
        "CPU of a request (ms)": Quantity.of(cpu_metrics.cpu_ms_per_request(run), "{:.1f}"),
        "50 users at once (s)": Quantity.of(arm_metrics.makespan_s(run), "{:.2f}"),
    }

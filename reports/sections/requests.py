"""Caches and sessions as declared and in use, a deployment a row, and the choice of workers."""

from collections.abc import Callable

import pandas as pd

from analysis.findings import published_report, session_storage
from analysis.metrics import arm_metrics, cpu_metrics
from workbench import endpoints
from workbench.arms import BASELINE, BURST_50, CLAIMED, MAIN_DEPLOYMENTS, SINGLE, SUSTAINED_100, TUNED
from workbench.recording import Run, arm

from ..markup import Html
from ..numerals import marked
from ..numerals import with_interval as with_interval_of
from ..tables import Quantity, Verdict, table
from .comparison import (
    Cell,
    Measure,
    MetricRow,
    Report,
    comparison,
    first_run,
    join,
    main_first,
    parts_are_apart,
    percent,
    plural,
    prose,
    settings_of,
)
from .names import in_labels, set_up

NOTE = "50 users at once, the first run of each set-up, no interval."
NOTE_ON_TIMES = (
    f"{NOTE} No times where the wait for the event loop was not measured apart: a part of a request has it in it."
)
SHOWN_OUTCOMES = ("hit", "stale", "miss")


def caches(report: Report) -> Html:
    """The caches as declared, and their outcomes under 50 users at once."""
    ttl_s = published_report.load("caches").set_index("endpoint")["ttl_s"]

    def lifetime(endpoint: str) -> Measure:
        return lambda deployment: _cache_lifetime(settings_of(report, deployment), endpoint)

    def outcome(name: str) -> Measure:
        def measure(deployment: str) -> Cell:
            outcomes = arm_metrics.cache_outcomes(report.experiment, deployment, BURST_50)
            return None if outcomes.empty else int(outcomes.get(name, 0))

        return measure

    metrics = [
        *(
            MetricRow(f"lifetime of {endpoint} responses (s)", int(published_s), lifetime(str(endpoint)))
            for endpoint, published_s in ttl_s.items()
        ),
        MetricRow("responses from the cache", None, outcome("hit")),
        MetricRow("responses past their lifetime", None, outcome("stale")),
        MetricRow("responses computed on a miss", None, outcome("miss")),
    ]
    note = "Responses to 50 users at once, over all runs."
    deployments = (BASELINE, CLAIMED, TUNED)
    declared = comparison("The caches, declared and in use", metrics, deployments=deployments, note=note)
    return join(declared, _by_deployment(report, "Caches by set-up", _cache_row, "cache", note=NOTE_ON_TIMES))


def _cache_lifetime(settings: dict, endpoint: str) -> Cell:
    if not settings:
        return None
    return "not in force" if settings["cache"] == "off" else settings[endpoints.CACHE_LIFETIME_SETTINGS[endpoint]]


def sessions(report: Report) -> Html:
    """The session storage as declared, and the time that a session takes in a request."""
    declared = published_report.load("sessions").iloc[0]

    def setting(name: str) -> Measure:
        return lambda deployment: settings_of(report, deployment).get(name)

    def threshold(deployment: str) -> Cell:
        settings = settings_of(report, deployment)
        on_disk = settings.get("sessions") == "filesystem"
        return None if not settings else settings["session_threshold"] if on_disk else "no files"

    def session_ms(endpoint: str) -> Measure:
        def measure(deployment: str) -> Cell:
            runs = arm(report.experiment.by_endpoint, deployment, SINGLE)
            return float(runs.loc[runs["endpoint"] == endpoint, "session_ms"].mean())

        return measure

    metrics = [
        MetricRow("storage", declared["storage"], setting("sessions")),
        MetricRow("sessions kept on disk at most", int(declared["threshold"]), threshold),
        MetricRow("lifetime (s)", int(declared["lifetime_s"]), setting("session_lifetime_s")),
        *(
            MetricRow(f"session time, {endpoint} (ms)", None, session_ms(endpoint), "{:.2f}")
            for endpoint in endpoints.PUBLISHED
        ),
    ]
    note = "The times are means of single requests."
    single = comparison("The session, declared and measured", metrics, note=note)
    by_set_up = _by_deployment(report, "Sessions by set-up", _session_row, "sessions", note=NOTE_ON_TIMES)
    return join(single, by_set_up, _session_storage(report))


def _session_storage(report: Report) -> Html:
    """What sessions in the database cost in the place of others, with the verdict on the published sentence."""
    findings = [finding for each in session_storage.COMPARISONS if (finding := report.finding(each.id))]
    rows = [
        {
            "claim": marked(in_labels(finding.claim), "published"),
            "database time with / without": with_interval_of(finding, "{:.2f}"),
            "all per request": marked(in_labels(finding.evidence), finding.id),
            "verdict": Verdict(finding.verdict),
        }
        for finding in findings
    ]
    note = "With sessions in PostgreSQL instead, over the same without them; paired by block, with 95 % intervals."
    return table(pd.DataFrame(rows, dtype=object), "What sessions outside of the database save", note=note)


def workers(report: Report) -> Html:
    """The reasons for the numbers of workers and threads of tuned, from the cost of a request; empty without one."""
    text = _choice_of_workers(report)
    if text is None:
        return Html("")
    fields = ("server", "workers", "hash_limit")
    return join(prose(text), _by_deployment(report, "Workers by set-up", _worker_row, *fields))


def _choice_of_workers(report: Report) -> str | None:
    settings = settings_of(report, TUNED)
    single = arm(report.experiment.by_endpoint, TUNED, SINGLE).groupby("endpoint")[["hash_ms", "app_ms"]].mean()
    if not settings or single.empty or single["app_ms"].isna().any() or pd.isna(single["hash_ms"]["login"]):
        return None
    cores = report.experiment.record["environment"]["cpu_count"]
    hash_ms, app_ms = single["hash_ms"]["login"], single["app_ms"]["login"]
    read_ms = single["app_ms"][[*endpoints.READS]].mean()
    return (
        f"This machine has {plural(cores, 'core')}. A login on tuned takes {app_ms:.1f} ms in the application, and "
        f"{hash_ms / app_ms:.0%} of that is its hash, all CPU when unloaded; a read takes {read_ms:.1f} ms. "
        f"{_cpu_sentence(report)}"
        "Such work is finished soonest by one worker for each core, at most eight: "
        f"{settings['workers']} workers. More workers would take turns on the same cores. Each worker computes "
        f"{settings['hash_limit']} hash at a time, so of 50 logins at once nearly all hold a thread while they wait. "
        "In the worst case one worker has all of them, and reads need a free thread: "
        f"{settings['threads']} threads. A waiting thread costs memory, but no CPU."
    )


def _cpu_sentence(report: Report) -> str:
    run = first_run(report, TUNED, SUSTAINED_100)
    cpu_ms = run and cpu_metrics.cpu_ms_per_request(run)
    if not cpu_ms:
        return ""
    return f"Under 100 users with think time a request costs the workers {cpu_ms:.1f} ms of CPU on average. "


def _by_deployment(
    report: Report, caption: str, row_of: Callable[[Run, dict], dict], *fields: str, note: str = NOTE
) -> Html:
    """A row for each main deployment that ran the burst, and for each other that differs from tuned in a field."""
    rows = []
    tuned = settings_of(report, TUNED)
    for deployment in main_first(run.deployment for run in report.experiment.runs if run.scenario == BURST_50):
        run = first_run(report, deployment, BURST_50)
        settings = settings_of(report, deployment)
        differs = any(settings[name] != tuned.get(name) for name in fields)
        if run is not None and (deployment in MAIN_DEPLOYMENTS or differs):
            rows.append({"set-up": set_up(deployment)} | row_of(run, settings))
    return table(pd.DataFrame(rows, dtype=object), caption, note=note)


def _cache_row(run: Run, settings: dict) -> dict:
    counts = run.by_endpoint.set_index("endpoint").reindex(endpoints.READS)
    is_recorded = settings["cache"] != "off" and not run.defect_of("cache")
    outcomes = {
        f"{endpoint}: {outcome}": int(count) if is_recorded and (count := counts[outcome][endpoint]) >= 0 else None
        for endpoint in endpoints.READS
        for outcome in SHOWN_OUTCOMES
    }
    hit_ms = _part_ms(run, "cache_ms", "cache = 'hit'")
    statements = arm_metrics.mean(run, "db_calls", "endpoint <> 'login'")
    return {
        "cache": settings["cache"],
        **outcomes,
        "cache time of a hit (ms)": Quantity.optional(hit_ms, "{:.2f}"),
        "statements of a read": Quantity.optional(statements, "{:.2f}"),
    }


def _part_ms(run: Run, column: str, condition: str) -> float | None:
    """The median of a part of the time; None where it has the wait for the event loop in it."""
    return arm_metrics.median(run, column, condition) if parts_are_apart(run) else None


def _session_row(run: Run, settings: dict) -> dict:
    reads = run.by_endpoint[run.by_endpoint["endpoint"] != "login"]
    return {
        "sessions": settings["sessions"],
        "login (ms)": Quantity.optional(_part_ms(run, "session_ms", "endpoint = 'login'"), "{:.2f}"),
        "read (ms)": Quantity.optional(_part_ms(run, "session_ms", "endpoint <> 'login'"), "{:.2f}"),
        "reads with their session": percent(reads["successful"].sum() / reads["requests"].sum()),
        "live sessions evicted": arm_metrics.counter(run, "session_evictions"),
        "store failures": arm_metrics.counter(run, "store_failures"),
    }


def _worker_row(run: Run, settings: dict) -> dict:
    shares = arm_metrics.worker_shares(run)
    return {
        "server": settings["server"],
        "workers": settings["workers"],
        "threads of each": settings["threads"] if settings["server"] == "gthread" else None,
        "hashes at once in each": settings["hash_limit"] or "any number",
        "share of the busiest worker": percent(shares.max()) if len(shares) else None,
        "CPU per request (ms)": Quantity.optional(cpu_metrics.cpu_ms_per_request(run), "{:.1f}"),
    }

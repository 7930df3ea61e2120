"""What is concluded: the first screen, the checklist, recommendations and next steps."""

import pandas as pd

from analysis import bottleneck, queueing
from analysis.findings import evidence
from analysis.metrics import arm_metrics, published_report

from ..tables import Html, Verdict, headline, table
from .comparison import (
    BASE,
    OURS,
    Line,
    Report,
    comparison,
    connections_allowed,
    first_run,
    interval_of,
    join,
    percent,
    prose,
    seconds,
    settings_of,
)
from .missed_objectives import missed

CONFIGURATIONS = {"current configuration": BASE, "recommended configuration": "as-advised"}


def verdict(report: Report) -> str:
    """The whole report in one sentence."""
    experiment = report.experiment
    speedup = evidence.speedup(experiment)
    if speedup is None:
        return "This experiment did not measure 50 users at once on both deployments."
    slow, fast = (seconds(taken_s) for taken_s in evidence.durations_s(experiment))
    wrong = 1 - arm_metrics.success_ratio(experiment, OURS, "burst-50")
    if wrong:
        return (
            f"Of the tuned set-up's answers to 50 users at once {wrong:.1%} were wrong: how fast they came is no gain."
        )
    if speedup.interval and speedup.low < 1 < speedup.high:
        return (
            f"50 users at once take {fast} on the tuned set-up and {slow} on the published one; that one is faster "
            f"could not be shown{_range(speedup)}."
        )
    if speedup.value < 1:
        return f"50 users at once take {fast} on the tuned set-up, and only {slow} on the published one."
    return (
        f"50 users at once are served in {fast} instead of {slow}: {_limit(report)}, and ours is "
        f"{speedup.value:.1f} times faster{_range(speedup)}."
    )


def _limit(report):
    """What held the published set-up up."""
    run, settings = first_run(report, BASE, "burst-50"), settings_of(report, BASE)
    limit = bottleneck.limit(run)
    if (limit.resource, settings["server"], settings["workers"]) == ("worker", "sync", 1):
        return "the published set-up queues everyone behind one worker"
    return f"on the published set-up {limit.sentence}"


def summary(report: Report) -> Html:
    """The first screen: the verdict in one sentence and the figures behind it."""
    experiment = report.experiment
    speedup = evidence.speedup(experiment)
    scale = experiment.record["scale"]
    warning = [] if scale == "production" else [prose(f"Scale {scale}: made to try the workbench, not to be quoted.")]
    if speedup is None:
        return join(headline([], verdict(report)), *warning)
    slow, fast = (seconds(taken_s) for taken_s in evidence.durations_s(experiment))
    predicted = queueing.predict_burst(experiment, 50)
    queue = f"a queue behind one worker predicts {seconds(predicted['duration'] / 1000)}" if predicted else ""
    right = percent(arm_metrics.success_ratio(experiment, OURS, "burst-50"))
    checked = [finding.verdict for finding in report.findings if finding.kind == "checklist"]
    items = [
        ("50 users at once, published set-up", slow, queue),
        (
            "50 users at once, tuned",
            fast,
            f"published set-up / tuned: {speedup.value:.1f}{interval_of(speedup, '{:.1f}')}",
        ),
        ("Right answers, tuned", right, "judged by content"),
        (
            "Published checklist",
            f"{checked.count('pass')} of {len(checked)}",
            f"{checked.count('fail')} fail, {checked.count('not measured')} not measured",
        ),
    ]
    return join(headline(items, verdict(report)), *warning)


def checklist(report: Report) -> Html:
    """Every line of the published checklist with the verdict that its evidence gives."""
    return join(
        _findings(report, "checklist", "The published checklist, evaluated"),
        _findings(report, "declared", "What the published report says of its set-up, and whom that suits"),
    )


def objectives(report: Report) -> Html:
    """Our own objectives, and of those that were missed by how much."""
    return join(_findings(report, "objective", "Objectives of the tuned deployment"), *missed(report))


def recommendations(report: Report) -> Html:
    """The published recommendations, and what the configuration recommended for Replit took here beside ours."""
    experiment = report.experiment
    totals = published_report.load("totals").set_index("users")
    stated = published_report.load("workers").set_index("environment").loc["Replit deployed"]

    def setting(show):
        def measure(deployment):
            settings = settings_of(report, deployment)
            return show(settings) if settings else None

        return measure

    def peak_memory_mib(deployment):
        run = first_run(report, deployment, "burst-50")
        size = run and arm_metrics.peak_memory_bytes(run)
        return size / 2**20 if size else None

    def duration_s(users):
        return lambda deployment: arm_metrics.duration_s(experiment, deployment, f"burst-{users}")

    lines = [
        Line("workers", int(stated["workers"]), setting(lambda s: s["workers"])),
        Line("kind of worker (standard is sync)", stated["kind"], setting(lambda s: s["server"])),
        Line("threads of a worker", None, setting(lambda s: s["threads"])),
        Line(
            "connections at most",
            int(published_report.load("pool").set_index("profile").loc["local", "total"]),
            lambda deployment: connections_allowed(report, deployment),
        ),
        Line("sessions", published_report.load("sessions")["storage"].iloc[0], setting(lambda s: s["sessions"])),
        Line("peak memory of the server (MiB, PSS)", None, peak_memory_mib),
        *(
            Line(f"{users} users at once (s)", totals.loc[users, "duration_s"], duration_s(users), "{:.2f}")
            for users in totals.index
        ),
    ]
    advice = published_report.load("recommendations")
    ran = {subject: name for subject, name in CONFIGURATIONS.items() if experiment.of(name)}
    advice["measured here as"] = advice["subject"].map(ran)
    return join(
        comparison("The configuration recommended for Replit", lines), table(advice, "Published recommendations")
    )


def next_steps(report: Report) -> Html:
    """The published next steps."""
    return table(published_report.load("next_steps"), "Published next steps")


def conclusion(report: Report) -> Html:
    """What holds of the published conclusion."""
    failed = [f.claim for f in report.findings if f.kind == "checklist" and f.verdict == "fail"]
    open_ = [f.claim for f in report.findings if f.kind == "checklist" and f.verdict == "not measured"]
    return prose(
        f"{verdict(report)} Of the published checklist did not hold here: {'; '.join(failed) or 'none'}. "
        f"Not measured by this experiment: {'; '.join(open_) or 'none'}."
    )


def _range(speedup):
    """Where the truth lies with a confidence of 95 %, or that nothing tells."""
    if speedup.interval is None:
        return f" (no interval: {speedup.blocks} block{'s' if speedup.blocks != 1 else ''})"
    return f" (95 % interval {speedup.low:.1f} to {speedup.high:.1f}, {speedup.blocks} blocks)"


def _findings(report, kind, caption):
    rows = [
        {"claim": f.claim, "verdict": Verdict(f.verdict), "evidence": f.evidence, "runs": ", ".join(f.runs)}
        for f in report.findings
        if f.kind == kind
    ]
    return table(pd.DataFrame(rows), caption)

"""The conclusions: the first screen, the checklist, the objectives, and the verdict in one sentence."""

import pandas as pd

from analysis import bottleneck, queueing
from analysis.metrics import arm_metrics
from analysis.speedup import paired_durations_s, speedup_estimate
from analysis.stats.confidence import Estimate
from workbench.arms import BASELINE, BURST_50, TUNED

from ..tables import Html, Verdict, headline, table
from .comparison import (
    Report,
    first_run,
    interval_suffix,
    join,
    percent,
    plural,
    prose,
    seconds,
    settings_of,
)
from .missed_objectives import missed_objectives


def verdict(report: Report) -> str:
    """The whole report in one sentence."""
    experiment = report.experiment
    speedup = speedup_estimate(experiment)
    if speedup is None:
        return "This experiment did not measure 50 users at once on both deployments."
    published_s, tuned_s = map(seconds, paired_durations_s(experiment))
    success = arm_metrics.success_ratio(experiment, TUNED, BURST_50)
    failures = 0.0 if success is None else 1 - success
    if failures:
        return (
            f"{failures:.1%} of the responses of the tuned set-up to 50 users at once are failures, so its speed is no "
            "improvement."
        )
    if speedup.low is not None and speedup.high is not None and speedup.low < 1 < speedup.high:
        return (
            f"50 users at once take {tuned_s} on the tuned set-up and {published_s} on the published one; whether it "
            f"is faster is inconclusive{_interval_text(speedup)}."
        )
    if speedup.value < 1:
        return f"50 users at once take {tuned_s} on the tuned set-up, and only {published_s} on the published one."
    return (
        f"50 users at once are served in {tuned_s} instead of {published_s}: {_bottleneck(report)}, and the tuned one "
        f"is {speedup.value:.1f} times faster{_interval_text(speedup)}."
    )


def _interval_text(speedup: Estimate) -> str:
    if speedup.low is None or speedup.high is None:
        return f" (no interval: {plural(speedup.blocks, 'block')})"
    return f" (95 % interval {speedup.low:.1f} to {speedup.high:.1f}, {speedup.blocks} blocks)"


def _bottleneck(report: Report) -> str:
    """The saturated resource of the published set-up, as a clause."""
    run, settings = first_run(report, BASELINE, BURST_50), settings_of(report, BASELINE)
    if run is None:
        return "the published set-up has no valid run"
    saturated = bottleneck.find_bottleneck(run)
    if (saturated.resource, settings["server"], settings["workers"]) == ("worker", "sync", 1):
        return "the published set-up queues every user behind one worker"
    return f"on the published set-up {saturated.sentence}"


def summary(report: Report) -> Html:
    """The first screen: the verdict in one sentence, and the metrics behind it."""
    scale = report.experiment.record["scale"]
    speedup = speedup_estimate(report.experiment)
    cards = [] if speedup is None else _cards(report, speedup)
    page = [*_dropped(report), headline(cards, verdict(report))]
    if scale != "production":
        page.append(prose(f"Scale {scale}: made to try the workbench, not to be quoted."))
    return join(*page)


def _dropped(report: Report) -> list[Html]:
    """A line about dropped arrivals, which stands above everything else; empty without any."""
    runs = [run for run in report.experiment.runs if run.dropped]
    if not runs:
        return []
    total = sum(sum(run.dropped.values()) for run in runs)
    names = ", ".join(run.name for run in runs)
    text = f"{plural(total, 'arrival')} of open load were dropped ({names}). They count as slower than every latency."
    return [prose(text)]


def _cards(report: Report, speedup: Estimate) -> list[tuple[str, object, str]]:
    experiment = report.experiment
    published_s, tuned_s = map(seconds, paired_durations_s(experiment))
    predicted_ms = queueing.predict_burst(experiment, 50)
    queue = f"a queue behind one worker predicts {seconds(predicted_ms['duration'] / 1000)}" if predicted_ms else ""
    quotient = f"published set-up / tuned: {speedup.value:.1f}{interval_suffix(speedup, '{:.1f}')}"
    success = percent(arm_metrics.success_ratio(experiment, TUNED, BURST_50))
    verdicts = [finding.verdict for finding in report.findings if finding.kind == "checklist"]
    return [
        ("50 users at once, published set-up", published_s, queue),
        ("50 users at once, tuned", tuned_s, quotient),
        ("Successful responses, tuned", success, "judged by content"),
        (
            "Published checklist",
            f"{verdicts.count('pass')} of {len(verdicts)}",
            f"{verdicts.count('fail')} fail, {verdicts.count('not measured')} not measured",
        ),
    ]


def checklist(report: Report) -> Html:
    """Every line of the published checklist, and every statement of the published set-up, with its verdict."""
    return join(
        _findings(report, "checklist", "The published checklist, evaluated"),
        _findings(report, "published-setup", "The published set-up, evaluated"),
    )


def objectives(report: Report) -> Html:
    """The objectives, and a paragraph for each missed one."""
    return join(_findings(report, "objective", "Objectives of the tuned deployment"), *missed_objectives(report))


def _findings(report: Report, kind: str, caption: str) -> Html:
    rows = [
        {
            "claim": finding.claim,
            "verdict": Verdict(finding.verdict),
            "evidence": finding.evidence,
            "runs": ", ".join(finding.runs),
        }
        for finding in report.findings
        if finding.kind == kind
    ]
    return table(pd.DataFrame(rows), caption)


def conclusion(report: Report) -> Html:
    """The verdict, and the lines of the published checklist that failed or were not measured."""
    return prose(
        f"{verdict(report)} Failed lines of the published checklist: {_claims(report, 'fail')}. "
        f"Not measured by this experiment: {_claims(report, 'not measured')}."
    )


def _claims(report: Report, verdict: str) -> str:
    claims = [
        finding.claim for finding in report.findings if finding.kind == "checklist" and finding.verdict == verdict
    ]
    return "; ".join(claims) or "none"

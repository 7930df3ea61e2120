"""The first screen: what was found, why, what to do, and what failed."""

import re
from datetime import datetime
from html import unescape

from analysis import ablation
from analysis.figures.ladder import PUBLISHED, Rung, ladder
from analysis.findings import published_report
from analysis.findings.finding import DO_NOT_FOLLOW, FAIL, NOT_MEASURED, PASS, Finding
from analysis.findings.measurements import ONE_WORKER
from workbench.arms import BASELINE, BURST_50, LABELS, TUNED

from ..markup import Html
from ..numerals import SECTION, marked, number, of_finding, sentence
from ..svg import inline
from ..tables import cards
from .comparison import Report, join, plural
from .names import CLAIMS, OPTIMISATIONS

TAG = re.compile(r"<[^>]*>")
SPEEDUP = f"step-{BASELINE}-to-{TUNED}"
LESS_WORK = f"step-{BASELINE}-to-{ONE_WORKER}"
MORE_WORKERS = f"step-{ONE_WORKER}-to-{TUNED}"
STEPS = {LESS_WORK: "less work for each user", MORE_WORKERS: "more workers"}
LADDER_LABELS = {
    BASELINE: LABELS[BASELINE],
    ONE_WORKER: "tuned on its one worker",
    TUNED: "tuned: a worker for each core",
}
GEVENT_ADVICE = "8+ gevent workers"


def verdict(report: Report) -> Html:
    """The first screen of the page."""
    return join(
        _eyebrow(report), Html(f"<h1>{_headline(report)}</h1>"), *_warnings(report), _lead(report), _ladder(report),
        _cards(report), _failures(report),
    )  # fmt: skip


def _eyebrow(report: Report) -> Html:
    """Date, profile, machine and number of valid runs."""
    experiment = report.experiment
    environment = experiment.record["environment"]
    started = min((run.record.get("started") or "" for run in experiment.runs), default="")
    date = datetime.fromisoformat(started).strftime("%d %b %Y") if started else "date unknown"
    text = sentence(
        "TraceTrack performance, measured again · {date} · profile {profile} · {cores} cores · {valid} of {runs} runs "
        "valid",
        date=date, profile=experiment.record["profile"], cores=str(environment["cpu_count"]),
        valid=number(str(len(experiment.usable)), SECTION), runs=str(len(experiment.runs)),
    )  # fmt: skip
    return Html(f'<p class="eyebrow">{text}</p>')


def headline(report: Report) -> str:
    """The result and the decision as plain text, for a terminal."""
    return unescape(TAG.sub("", str(_headline(report))))


def _headline(report: Report) -> Html:
    """The result and the decision, in two sentences."""
    speedup, success = report.finding(SPEEDUP), report.finding(f"success-{BURST_50}-{TUNED}")
    if speedup is None or speedup.effect is None:
        return sentence("This experiment has no valid run of 50 users at once on both set-ups.")
    durations = {
        name: _seconds(report.finding(f"duration-{BURST_50}-{deployment}"))
        for name, deployment in (("published", BASELINE), ("tuned", TUNED))
    }
    if success is not None and success.effect is not None and success.effect < 1:
        failed = number(f"{1 - success.effect:.1%}", success.id)
        return sentence("{failed} of the responses of the tuned set-up to 50 users at once are failures, so its speed "
                        "is no improvement.", failed=failed)  # fmt: skip
    first = sentence("50 users at once: {published} on the published set-up, {tuned} on the tuned one.", **durations)
    return Html(f"{first} {_decision(report, speedup)}")


def _seconds(finding: Finding | None) -> Html:
    """A duration with two digits: `19 s`, `6.0 s`, `0.39 s`."""
    value = finding.effect if finding is not None and finding.effect is not None else 0.0
    return of_finding(finding, "{:.2f} s" if value < 1 else "{:.1f} s" if value < 10 else "{:.0f} s")


def _decision(report: Report, speedup: Finding) -> str:
    effect = report.finding(f"{BURST_50}-{BASELINE}-to-{TUNED}-makespan_s")
    if effect is not None and effect.verdict == "regression":
        return "The tuned set-up is slower: do not adopt it."
    if effect is None or effect.verdict != "improvement":
        return "Whether the tuned set-up is faster is inconclusive."
    text = "Adopt the tuned set-up"
    advice = next((each for each in report.findings if each.kind == "advice" and GEVENT_ADVICE in each.claim), None)
    if advice is not None and advice.verdict == DO_NOT_FOLLOW:
        return str(sentence(f"{text}; do not follow the advice of 8 gevent workers."))
    return f"{text}."


def _warnings(report: Report) -> list[Html]:
    """Lines that stand above everything else: dropped arrivals, and a scale that is only for trying."""
    lines = []
    dropped = [run for run in report.experiment.runs if run.dropped]
    if dropped:
        total = sum(sum(run.dropped.values()) for run in dropped)
        text = f"{plural(total, 'arrival')} of open load were dropped; they count as slower than every latency."
        lines.append(Html(f'<p class="warning">{marked(text, SECTION)}</p>'))
    scale = report.experiment.record["scale"]
    if scale != "production":
        remark = sentence("Scale {scale}: made to try the workbench, not to be quoted.", scale=scale)
        lines.append(Html(f'<p class="warning">{remark}</p>'))
    return lines


def _lead(report: Report) -> Html:
    """The cause: how much of the speedup is less work, how much more workers, and the largest single change."""
    steps = (report.finding(name) for name in (LESS_WORK, MORE_WORKERS))
    work, workers = (step.effect if step else None for step in steps)
    if not work or not workers:
        return Html("")
    is_work = work >= workers  # both are what the duration is divided by
    first = (
        "Most of it is less work for each user ({before} → {after} ms); the rest is a worker for each core."
        if is_work
        else "Most of it is a worker for each core; the rest is less work for each user ({before} → {after} ms)."
    )
    before, after = (of_finding(report.finding(f"work-{name}"), "{:,.0f}") for name in (BASELINE, TUNED))
    return Html(f"<p>{sentence(first, before=before, after=after)}{_largest_change(report)}</p>")


def _largest_change(report: Report) -> str:
    """The optimisation whose removal costs most, as a sentence."""
    changes = ablation.leave_one_out_changes(report.experiment, TUNED, BURST_50)
    effects = [report.finding(f"{BURST_50}-{change.before}-to-{TUNED}-makespan_s") for change in changes]
    improved = [(effect.effect, change, effect) for change, effect in zip(changes, effects, strict=True)
                if effect is not None and effect.verdict == "improvement" and effect.effect]  # fmt: skip
    if not improved:
        return ""
    ratio, change, effect = min(improved, key=lambda each: each[0])
    factor = number(f"{1 / ratio:.2g}", effect.id)
    text = sentence(" The largest single change is {name}: without it the burst takes {factor} times as long.",
                    name=OPTIMISATIONS[change.name].name, factor=factor)  # fmt: skip
    return str(text)


def _ladder(report: Report) -> Html:
    """From the published value over the same set-up here to tuned, each step a measured set-up."""
    published_s = next(row.duration_s for row in published_report.rows("totals") if row.users == 50)
    rungs = [Rung("published, on its own machine", PUBLISHED, published_s, None, "another machine and database")]
    for deployment, label in LADDER_LABELS.items():
        duration = report.finding(f"duration-{BURST_50}-{deployment}")
        if duration is not None and duration.effect is not None:
            series = BASELINE if deployment == BASELINE else TUNED
            rungs.append(Rung(label, series, duration.effect, duration.interval))
    if len(rungs) < 2:
        return Html("")
    rungs[0] = rungs[0]._replace(factor=f"÷ {published_s / rungs[1].duration_s:.2g}")
    for place, (name, text) in enumerate(STEPS.items(), start=1):
        step = report.finding(name)
        if step is not None and step.effect and place + 1 < len(rungs):
            rungs[place] = rungs[place]._replace(step=text, factor=f"÷ {step.effect:.2g}")
    return inline(
        lambda: ladder(rungs),
        "ladder",
        "50 users at once, from the published report to the tuned set-up",
        "Each dot is a measured set-up with its 95 % interval; the ring is the published value.",
    )


def _cards(report: Report) -> Html:
    speedup = report.finding(SPEEDUP)
    requests, successes = (report.finding(f"{name}-{BURST_50}-{TUNED}") for name in ("requests", "successes"))
    successful = sentence("{successes} of {requests}", successes=of_finding(successes, "{:,.0f}"),
                          requests=of_finding(requests, "{:,.0f}"))  # fmt: skip
    lost = sentence("{n} acknowledged scans lost", n=of_finding(report.finding("tuned-nothing-lost"), "{:.0f}"))
    claims, objectives = report.of_kind(*CLAIMS), report.of_kind("objective")
    items = [
        ("Faster than the published set-up", of_finding(speedup, "{:.1f} ×"), _interval(speedup)),
        ("Successful responses, tuned", successful, lost),
        ("Published claims", _counted(claims), _others(claims)),
        ("Our objectives", _counted(objectives), _others(objectives)),
    ]
    return cards(items)


def _interval(speedup: Finding | None) -> Html:
    if speedup is None or speedup.effect is None:
        return Html("")
    if speedup.interval is None:
        return sentence("no interval: {n} block", n=str(speedup.n))
    low, high = (number(f"{end:.1f}", speedup.id) for end in speedup.interval)
    return sentence("95 % interval {low} to {high}, {n} blocks", low=low, high=high, n=str(speedup.n))


def _counted(findings: list[Finding]) -> Html:
    passed = sum(finding.verdict == PASS for finding in findings)
    return sentence("{passed} of {all}", passed=number(str(passed), SECTION), all=str(len(findings)))


def _others(findings: list[Finding]) -> Html:
    verdicts = [finding.verdict for finding in findings]
    return sentence("{failed} fail, {missing} not measured", failed=number(str(verdicts.count(FAIL)), SECTION),
                    missing=number(str(verdicts.count(NOT_MEASURED)), SECTION))  # fmt: skip


def _failures(report: Report) -> Html:
    """Every objective and published claim that failed, by name."""
    lines = []
    for title, kinds in (("Objectives missed", ("objective",)), ("Published claims that do not hold", CLAIMS)):
        failed = [finding for finding in report.of_kind(*kinds) if finding.verdict == FAIL]
        if failed:
            named = "; ".join(str(sentence("{claim}", claim=finding.claim)) for finding in failed)
            lines.append(f"<b>{title}:</b> {named}.")
    return Html(f'<p class="failures">{"<br>".join(lines)}</p>') if lines else Html("")

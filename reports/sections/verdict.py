"""The first screen: what was found, why, what to do, and what failed."""

import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from itertools import pairwise

from analysis import ablation, task_errors
from analysis.figures.ladder import PUBLISHED, Rung, ladder
from analysis.findings import published_report
from analysis.findings.finding import Finding
from analysis.findings.measurements import LADDER, ONE_WORKER
from workbench.arms import ADVISED, BASELINE, BURST_50, TUNED
from workbench.display import seconds_form

from ..markup import Html
from ..numerals import MISSING, SECTION, marked, number, of_finding, sentence
from ..run_counts import valid_text
from ..svg import inline
from ..tables import cards
from . import objective_counts
from .advice import gevent_advice, is_adopted, succeeds
from .arm_verdict import arm_headline, arm_title, arm_verdict
from .comparison import Report, join, plural
from .failures import failures
from .fault_cards import fault_cards
from .fault_sentences import headline as fault_headline
from .names import CLAIMS, optimisation_of, set_up

TAG = re.compile(r"<[^>]*>")
SPEEDUP = f"step-{BASELINE}-to-{TUNED}"
LESS_WORK = f"step-{BASELINE}-to-{ONE_WORKER}"
MORE_WORKERS = f"step-{ONE_WORKER}-to-{TUNED}"
STEPS = {LESS_WORK: "less work for each user", MORE_WORKERS: "a worker for each core"}


def verdict(report: Report) -> Html:
    """The first screen of the page."""
    if report.arms:
        return arm_verdict(report)
    return join(
        _eyebrow(report), Html(f"<h1>{_headline(report)}</h1>"), *_warnings(report), _lead(report), _ladder(report),
        _cards(report), failures(report),
    )  # fmt: skip


def _eyebrow(report: Report) -> Html:
    """Date, profile, machine and number of valid runs."""
    experiment = report.experiment
    environment = experiment.record["environment"]
    started = min((run.record.get("started") or "" for run in experiment.runs), default="")
    text = sentence(
        "TraceTrack performance, measured again · {date} · profile {profile} · {cores} · {valid}",
        date=_date(started), profile=experiment.record["profile"], cores=plural(environment["cpu_count"], "core"),
        valid=marked(valid_text(experiment), SECTION),
    )  # fmt: skip
    return Html(f'<p class="eyebrow">{text}</p>')


def _date(started: str) -> str:
    try:
        return datetime.fromisoformat(started).strftime("%d %b %Y")
    except ValueError:
        return "date unknown"


def headline(report: Report) -> str:
    """The result and the decision as plain text, for a terminal."""
    if report.arms:
        return arm_headline(report)
    return unescape(TAG.sub("", str(_headline(report))))


def title(report: Report) -> str:
    """The title of the page; empty for that of the notebook."""
    return arm_title(report) if report.arms else ""


def _headline(report: Report) -> Html:
    """The result and the decision, in two sentences."""
    speedup = report.finding(SPEEDUP)
    if speedup is None or speedup.effect is None:
        if of_faults := fault_headline(report):
            return of_faults
        return sentence("This experiment has no valid run of 50 users at once on {missing}.", missing=_missing(report))
    if _has_failures(report, TUNED):
        return sentence("{failed} of the responses of the tuned set-up to 50 users at once are failures, so its speed "
                        "is no improvement.", failed=_failed(report, TUNED))  # fmt: skip
    durations = {
        name: _seconds(report.finding(f"duration-{BURST_50}-{deployment}"))
        for name, deployment in (("published", BASELINE), ("tuned", TUNED))
    }
    first = sentence("50 users at once: {published} on the published set-up, {tuned} on the tuned one.", **durations)
    if _has_failures(report, BASELINE):
        remark = sentence(" {failed} of the responses of the published one are failures.",
                          failed=_failed(report, BASELINE))  # fmt: skip
        first = Html(f"{first}{remark}")
    return Html(f"{first} {_decision(report)}")


def _has_failures(report: Report, deployment: str) -> bool:
    return (report.measured(f"success-{BURST_50}-{deployment}") or 0.0) < 1


def _missing(report: Report) -> str:
    """The set-ups of the headline that have no valid run of the burst."""
    names = {BASELINE: "the published set-up", TUNED: "the tuned set-up"}
    missing = [name for deployment, name in names.items() if not report.experiment.find(deployment, BURST_50)]
    return missing[0] if len(missing) == 1 else "either set-up"


def _failed(report: Report, deployment: str) -> Html:
    """The share of failures among the responses of a set-up."""
    finding = report.finding(f"success-{BURST_50}-{deployment}")
    return of_finding(finding, "{:.1%}", None if finding is None or finding.effect is None else 1 - finding.effect)


def _seconds(finding: Finding | None) -> Html:
    """A duration with two digits: `19 s`, `6.0 s`, `0.39 s`."""
    value = finding.effect if finding is not None and finding.effect is not None else 0.0
    return of_finding(finding, seconds_form(value))


def _decision(report: Report) -> str:
    effect = report.finding(f"{BURST_50}-{BASELINE}-to-{TUNED}-makespan_s")
    if effect is not None and effect.verdict == "regression":
        if _has_failures(report, BASELINE):
            return "A failure takes less time than an answer, so the two do not compare."
        return "The tuned set-up is slower: do not adopt it."
    if not is_adopted(report):
        if effect is not None and effect.interval is None:
            return "Too few blocks decide whether the tuned set-up is faster."
        return "Whether the tuned set-up is faster is inconclusive."
    text = "Adopt the tuned set-up"
    if gevent_advice(report) is not None:
        return str(sentence(f"{text}; do not follow the advice of 8 gevent workers."))
    return f"{text}."


def _warnings(report: Report) -> list[Html]:
    """Lines that stand above everything else: dropped arrivals, and a scale that is only for trying."""
    lines = []
    dropped = [run for run in report.experiment.runs if run.dropped]
    if dropped:
        total = sum(sum(run.dropped.values()) for run in dropped)
        text = f"Dropped arrivals of open load: {total}. They count as slower than every latency."
        lines.append(Html(f'<p class="warning">{marked(text, SECTION)}</p>'))
    if errors := task_errors.remark(report.experiment):
        lines.append(Html(f'<p class="warning">{marked(errors, SECTION)}.</p>'))
    for name in ablation.unknown_primary_metrics(report.experiment):
        remark = sentence("The declared primary metric {name} is not known here, so it has no verdict.", name=name)
        lines.append(Html(f'<p class="warning">{remark}</p>'))
    scale = report.experiment.record["scale"]
    if scale != "production" and not _is_about_faults(report):  # whose outcome does not depend on the rows
        remark = sentence("Scale {scale}: made to try the workbench, not to be quoted.", scale=scale)
        lines.append(Html(f'<p class="warning">{remark}</p>'))
    return lines


def _lead(report: Report) -> Html:
    """The cause: how much of the speedup is less work, how much more workers, and the largest single change."""
    if not is_adopted(report):
        return Html("")
    steps = (report.finding(name) for name in (LESS_WORK, MORE_WORKERS))
    work, workers = (step.effect if step else None for step in steps)
    if not work or not workers:
        return Html("")
    is_work = work >= workers  # both are what the duration is divided by
    first = (
        "Most of the gain is less work for each user ({before} → {after} ms); the rest is a worker for each core."
        if is_work
        else "Most of the gain is a worker for each core; the rest is less work for each user ({before} → {after} ms)."
    )
    before, after = (of_finding(report.finding(f"work-{name}"), "{:,.0f}") for name in (BASELINE, TUNED))
    cause = sentence(first, before=before, after=after)
    return Html(f"<p>{cause}{_largest_change(report)}{_duration_of_advice(report)}</p>")


def _duration_of_advice(report: Report) -> str:
    """How long the burst takes on the advised set-up, where the decision is not to follow that advice."""
    if gevent_advice(report) is None:
        return ""
    advised = report.finding(f"duration-{BURST_50}-{ADVISED}")
    return str(sentence(" On 8 gevent workers it takes {duration}.", duration=_seconds(advised)))


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
    text = " The largest single change is {name}: with that alone undone the burst takes {factor} times as long."
    return str(sentence(text, name=optimisation_of(change.name).name, factor=factor))


def _ladder(report: Report) -> Html:
    """From the published value over the same set-up here to tuned, each step a measured set-up."""
    rungs = dict(_rungs(report))
    if not rungs:
        return Html("")
    published_s = next(row.duration_s for row in published_report.rows("totals") if row.users == 50)
    first = Rung("published, on its own machine", PUBLISHED, published_s)
    if BASELINE in rungs:
        factor = f"÷ {published_s / rungs[BASELINE].duration_s:.2g}"
        first = first._replace(step="another machine and database", factor=factor)
    for before, after in pairwise(rungs):
        step = report.measured(f"step-{before}-to-{after}")
        if step:
            text = STEPS.get(f"step-{before}-to-{after}", "")
            rungs[before] = rungs[before]._replace(step=text, factor=f"÷ {step:.2g}")
    return inline(
        lambda: ladder([first, *rungs.values()]),
        "ladder",
        "50 users at once, from the published report to the tuned set-up",
        "Dots: measured, with 95 % intervals. Ring: published. Bars: from one set-up to the next. Log scale.",
    )


def _rungs(report: Report) -> Iterator[tuple[str, Rung]]:
    """Each measured set-up of the ladder with its duration."""
    for deployment in LADDER:
        finding = report.finding(f"duration-{BURST_50}-{deployment}")
        if finding is not None and finding.effect is not None and succeeds(report, deployment):
            series = BASELINE if deployment == BASELINE else TUNED
            yield deployment, Rung(set_up(deployment), series, finding.effect, finding.interval)


def _is_about_faults(report: Report) -> bool:
    speedup = report.finding(SPEEDUP)
    return (speedup is None or speedup.effect is None) and fault_headline(report) is not None


def _cards(report: Report) -> Html:
    if _is_about_faults(report):
        return fault_cards(report)
    speedup = report.finding(SPEEDUP) if succeeds(report, BASELINE) and succeeds(report, TUNED) else None
    claims, objectives = report.of_kind(*CLAIMS), report.of_kind("objective")
    items = [
        ("Speedup, 50 users at once", of_finding(speedup, "{:.1f}×"), _interval(speedup)),
        ("Successful responses, tuned", _successful(report), _lost(report)),
        ("Published claims that hold", objective_counts.passed(claims), objective_counts.others(claims)),
        ("Objectives met", objective_counts.passed(objectives), objective_counts.others(objectives)),
    ]
    return cards(items)


def _successful(report: Report) -> Html:
    requests, successes = (report.finding(f"{name}-{BURST_50}-{TUNED}") for name in ("requests", "successes"))
    if requests is None or successes is None:
        return MISSING
    return sentence("{successes} of {requests}", successes=of_finding(successes, "{:,.0f}"),
                    requests=of_finding(requests, "{:,.0f}"))  # fmt: skip


def _lost(report: Report) -> Html:
    finding = report.finding("tuned-nothing-lost")
    if finding is None or finding.effect is None:
        return sentence("lost scans: not measured")
    return sentence("{n} acknowledged scans lost", n=of_finding(finding, "{:.0f}"))


def _interval(speedup: Finding | None) -> Html:
    if speedup is None or speedup.effect is None:
        return Html("")
    if speedup.interval is None:
        return sentence("no interval: {n}", n=plural(speedup.n, "block"))
    low, high = (number(f"{end:.1f}", speedup.id) for end in speedup.interval)
    return sentence("95 %: {low}–{high}, {n}", low=low, high=high, n=plural(speedup.n, "block"))

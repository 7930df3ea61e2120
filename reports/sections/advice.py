"""What to do: changes with their effects and costs, the settings to copy, and what became of the published advice."""

import math
from collections.abc import Sequence

import pandas as pd

from analysis import ablation
from analysis.findings.finding import DO_NOT_FOLLOW, FOLLOW, IMPROVEMENT, INCONCLUSIVE, INVALID, NOT_MEASURED, Finding
from analysis.findings.measurements import ONE_WORKER
from analysis.findings.wording import ratio_text
from analysis.metrics import arm_metrics
from workbench.arms import ADVISED, BASELINE, BURST_50, LABELS, TUNED
from workbench.display import seconds_form

from ..markup import Html
from ..numerals import MISSING, SECTION, marked, number, of_finding, sentence, with_interval
from ..tables import Verdict, behind, table
from .comparison import Report, join, settings_of
from .memory import memory
from .names import in_labels, optimisation_of, set_up

CPU, DURATION = "cpu_ms", "makespan_s"
GEVENT = "8+ gevent workers"  # in the claim of the advice
PROMISE = "suitable for: "  # begins the claim of a published line that says what a set-up is good for
VERDICTS_OF_PROMISES = {FOLLOW: Verdict.HOLDS, DO_NOT_FOLLOW: Verdict.DOES_NOT_HOLD}
COUNTED_PROMISES = {Verdict.DOES_NOT_HOLD: "Promises that do not hold", Verdict.HOLDS: "Promises that hold"}
ORDER = (DO_NOT_FOLLOW, FOLLOW, INCONCLUSIVE, INVALID, NOT_MEASURED)  # of the verdicts of advice
# Settings of a run.
HIDDEN = (
    "scale", "database_url", "pool_profile", "bind", "readings_file", "login_throttle", "memory_limit_mib",
)  # fmt: skip


def advice(report: Report) -> Html:
    """The table of changes, what each environment should run, the settings, and the published advice evaluated.

    Empty where the runs decide on none of it.
    """
    decided = [each for each in report.of_kind("advice") if each.verdict not in (INVALID, NOT_MEASURED)]
    if report.experiment.find(TUNED, BURST_50):
        return join(_changes(report), _environments(report), _published_advice(report))
    return _published_advice(report) if decided else Html("")


def is_adopted(report: Report) -> bool:
    """True where tuned is faster than the published set-up and all of its responses to the burst are successful."""
    effect = report.finding(f"{BURST_50}-{BASELINE}-to-{TUNED}-{DURATION}")
    has_success = report.measured(f"success-{BURST_50}-{TUNED}") == 1
    return effect is not None and effect.verdict == IMPROVEMENT and has_success


def succeeds(report: Report, deployment: str) -> bool:
    """True where most responses to the burst were successful."""
    return arm_metrics.mostly_succeeds(report.experiment, deployment, BURST_50)


def gevent_advice(report: Report) -> Finding | None:
    """The advice of gevent workers, where the runs speak against it."""
    advice = (each for each in report.of_kind("advice") if GEVENT in each.claim)
    return next((each for each in advice if each.verdict == DO_NOT_FOLLOW), None)


def _changes(report: Report) -> Html:
    """A row for each optimisation that is an improvement, the largest effect first."""
    rows = []
    if report.experiment.find(TUNED, BURST_50) and not succeeds(report, TUNED):
        return sentence_block("Most responses of the tuned set-up to 50 users at once are failures.")
    changes = ablation.leave_one_out_changes(report.experiment, TUNED, BURST_50)
    if not changes:
        return sentence_block("This experiment leaves out no single change of the tuned set-up.")
    for change in changes:
        duration, cpu = (
            report.finding(f"{BURST_50}-{change.before}-to-{TUNED}-{metric}") for metric in (DURATION, CPU)
        )
        if duration is None or IMPROVEMENT not in {each.verdict for each in (duration, cpu) if each}:
            continue
        optimisation = optimisation_of(change.name)
        rows.append({"order": duration.effect, "change": marked(optimisation.change), "duration": _effect(duration),
                     "CPU": _effect(cpu), "cost or risk": marked(optimisation.cost)})  # fmt: skip
    if not rows:
        return sentence_block("No single change is an improvement in this experiment.")
    frame = pd.DataFrame(rows, dtype=object).sort_values("order").drop(columns="order")
    return table(frame, "Each change alone, with it / without it, 50 users at once")


def sentence_block(text: str) -> Html:
    """A paragraph whose numbers are settings."""
    return Html(f"<p>{sentence(text)}</p>")


def _effect(finding: Finding | None) -> Html:
    """`0.16 (0.14–0.19)`, and its verdict below."""
    if finding is None or finding.effect is None:
        return MISSING
    pill = Verdict(finding.verdict).pill() if finding.verdict != "reported" else ""
    return Html(f'<span class="nowrap">{_ratio(finding)}</span> <br>{pill}')


def _ratio(finding: Finding) -> Html:
    """`0.16 (0.14–0.19)`, with the digits that the ratio has in every table of effects."""
    ends = "–".join(map(ratio_text, finding.interval or ()))
    return number(f"{ratio_text(finding.effect or math.nan)}{f' ({ends})' if ends else ''}", finding.id)


def _environments(report: Report) -> Html:
    """What to run where, each with what it rests on and the runs of that."""
    if not is_adopted(report):
        return sentence_block("The runs support no set-up for any environment.")
    rows = (
        ("development", LABELS[TUNED], _burst(report, TUNED), f"duration-{BURST_50}-{TUNED}"),
        ("one core", set_up(ONE_WORKER), _burst(report, ONE_WORKER), f"duration-{BURST_50}-{ONE_WORKER}"),
        ("production", f"{LABELS[TUNED]}, not 8 gevent workers", *_production(report)),
    )
    shown = [
        {"environment": environment, "run": marked(run), "because": reason, "runs": _runs(report, finding_id)}
        for environment, run, reason, finding_id in rows
        if report.finding(finding_id)
    ]
    return table(pd.DataFrame(shown, dtype=object), "Which set-up for which environment")


def _burst(report: Report, deployment: str) -> Html:
    """What 50 users at once take on a set-up, and its memory where that was read."""
    finding = report.finding(f"duration-{BURST_50}-{deployment}")
    form = seconds_form(finding.effect or 0.0).removesuffix(" s") if finding is not None else ""
    text = sentence("50 users at once take {duration} s", duration=with_interval(finding, form))
    memory = of_finding(report.finding(f"memory_mib-{BURST_50}-{deployment}"), "{:.0f} MiB")
    return text if memory is MISSING else Html(f"{text} and {memory}")


def _production(report: Report) -> tuple[Html, str]:
    """Tuned against the published advice: time, connections, and the id of the finding; its id is empty without one."""
    advised = gevent_advice(report)
    if advised is None:
        return Html(""), ""
    tuned, allowed = (
        of_finding(report.finding(f"connections_allowed-{BURST_50}-{name}"), "{:,.0f}") for name in (TUNED, ADVISED)
    )
    text = sentence(
        "takes {ratio} of their time, with at most {tuned} connections instead of {allowed}; PostgreSQL's default "
        "allows 97",
        ratio=_ratio(advised), tuned=tuned, allowed=allowed,
    )  # fmt: skip
    return text, advised.id


def _runs(report: Report, finding_id: str) -> Html:
    finding = report.finding(finding_id)
    if finding is None or not finding.runs:
        return MISSING
    return number(str(len(finding.runs)), finding.id)


def _settings(report: Report) -> Html:
    """The settings in which tuned differs from the published set-up, to copy."""
    tuned, published = settings_of(report, TUNED), settings_of(report, BASELINE)
    if not tuned or not published:
        return Html("")
    changed = {name: value for name, value in tuned.items() if value != published.get(name) and name not in HIDDEN}
    lines = [
        f"export TRACETRACK_{name.upper()}={value}" for name, value in sorted(changed.items()) if value is not None
    ]
    lines.append("gunicorn -c reference_app/gunicorn_conf.py")
    flags = f"gunicorn --worker-class {tuned['server']} --workers {tuned['workers']} --threads {tuned['threads']} …"
    code = "\n".join(str(marked(line)) for line in lines)
    alone = f"<p>{sentence('With gunicorn alone: ')}<code>{marked(flags)}</code></p>"
    return Html(f'<pre tabindex="0"><code>{code}</code></pre>{alone}')


def _published_advice(report: Report) -> Html:
    """The published recommendations and next steps with their verdicts, those with the same evidence in one row."""
    groups: dict[tuple[str, str, Verdict], list[Finding]] = {}
    for finding in report.of_kind("advice"):
        groups.setdefault((finding.verdict, finding.evidence, _shown_verdict(finding)), []).append(finding)
    rows = {
        verdict: [_advice_row(group) for (of_group, *_), group in groups.items() if of_group == verdict]
        for verdict in ORDER
    }
    judged = rows[DO_NOT_FOLLOW] + rows[FOLLOW] + rows[INCONCLUSIVE]
    return join(
        _advice_sentence(report),
        behind(
            ("the published advice, evaluated", table(pd.DataFrame(judged, dtype=object), "The published advice")),
            (
                "advice that no run evaluates",
                table(pd.DataFrame(rows[INVALID] + rows[NOT_MEASURED], dtype=object), "Not measured"),
            ),
            ("memory: what fits into 512 MiB, 1, 2 and 4 GiB", memory(report)),
            ("the settings to copy", _settings(report) if is_adopted(report) else Html("")),
        ),
    )


def _advice_sentence(report: Report) -> Html:
    """How much of the published advice the runs confirm."""
    shown = [_shown_verdict(finding) for finding in report.of_kind("advice")]
    verdicts = [verdict.value for verdict in shown]
    counts = {verdict: number(str(verdicts.count(verdict)), SECTION) for verdict in ORDER}
    text = sentence(
        "Lines of the published advice: {against} not to follow, {following} to follow, {missing} not measured",
        against=counts[DO_NOT_FOLLOW], following=counts[FOLLOW], missing=counts[NOT_MEASURED],
    )  # fmt: skip
    others = [
        sentence(f", {{n}} {verdict}", n=counts[verdict]) for verdict in (INCONCLUSIVE, INVALID) if verdict in verdicts
    ]
    promises = [
        sentence(f" {words}: {{n}}.", n=number(str(shown.count(verdict)), SECTION))
        for verdict, words in COUNTED_PROMISES.items()
        if verdict in shown
    ]
    return Html(f"<p>{text}{''.join(map(str, others))}.{''.join(map(str, promises))}</p>")


def _shown_verdict(finding: Finding) -> Verdict:
    """The verdict as people read it: advice is to follow or not, a promise holds or not."""
    if finding.claim.startswith(PROMISE) and finding.verdict in VERDICTS_OF_PROMISES:
        return VERDICTS_OF_PROMISES[finding.verdict]
    return Verdict(finding.verdict)


def _advice_row(group: Sequence[Finding]) -> dict:
    named = "; ".join(finding.claim.partition(": ")[2].partition(" (")[0] for finding in group)
    return {
        "published advice or promise": marked(named, "published"),
        "verdict": _shown_verdict(group[0]),
        "measured": marked(in_labels(group[0].evidence), group[0].id),
    }

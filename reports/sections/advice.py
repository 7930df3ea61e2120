"""What to do: changes with their effects and costs, the settings to copy, and what became of the published advice."""

from collections.abc import Sequence

import pandas as pd

from analysis import ablation
from analysis.findings.finding import DO_NOT_FOLLOW, FOLLOW, NOT_MEASURED, Finding
from analysis.findings.measurements import ONE_WORKER
from workbench.arms import ADVISED, BASELINE, BURST_50, LABELS, TUNED

from ..markup import Html
from ..numerals import MISSING, SECTION, marked, number, of_finding, sentence, with_interval
from ..tables import Verdict, behind, table
from .comparison import Report, join, settings_of
from .names import OPTIMISATIONS

CPU, DURATION = "cpu_ms", "makespan_s"
HIDDEN = ("scale", "database_url", "pool_profile", "bind", "readings_file", "login_throttle")  # settings of a run


def advice(report: Report) -> Html:
    """The table of changes, what each environment should run, the settings, and the published advice evaluated."""
    return join(_changes(report), _environments(report), _published_advice(report))


def _changes(report: Report) -> Html:
    """A row for each optimisation that is an improvement, the largest effect first."""
    rows = []
    for change in ablation.leave_one_out_changes(report.experiment, TUNED, BURST_50):
        duration, cpu = (
            report.finding(f"{BURST_50}-{change.before}-to-{TUNED}-{metric}") for metric in (DURATION, CPU)
        )
        if duration is None or "improvement" not in {each.verdict for each in (duration, cpu) if each}:
            continue
        optimisation = OPTIMISATIONS[change.name]
        cpu_ratio = Html(f'<span class="nowrap">{of_finding(cpu, "× {:.2f}")}</span>')
        rows.append({"order": duration.effect, "change": marked(optimisation.change), "duration": _effect(duration),
                     "CPU": cpu_ratio, "cost or risk": marked(optimisation.cost)})  # fmt: skip
    if not rows:
        return sentence_block("No single change is an improvement in this experiment.")
    frame = pd.DataFrame(rows, dtype=object).sort_values("order").drop(columns="order")
    return table(frame, "Each change alone, with it / without it, 50 users at once")


def sentence_block(text: str) -> Html:
    """A paragraph whose numbers are settings."""
    return Html(f"<p>{sentence(text)}</p>")


def _effect(finding: Finding | None) -> Html:
    """`× 0.16 (0.14–0.19)` and its verdict."""
    if finding is None or finding.effect is None:
        return MISSING
    pill = Verdict(finding.verdict).pill() if finding.verdict != "reported" else ""
    return Html(f'<span class="nowrap">× {with_interval(finding, "{:.2f}")} {pill}</span>')


def _environments(report: Report) -> Html:
    """What to run where, each with the runs it rests on."""
    rows = (
        ("development", LABELS[TUNED], _burst(report, TUNED), f"duration-{BURST_50}-{TUNED}"),
        ("one core", "tuned, one worker", _burst(report, ONE_WORKER),
         f"duration-{BURST_50}-{ONE_WORKER}"),
        ("production", "tuned, not 8 gevent workers", _connections(report),
         f"connections-{BURST_50}-{TUNED}"),
    )  # fmt: skip
    shown = [
        {"environment": environment, "run": marked(run), "because": reason, "runs": _runs(report, finding_id)}
        for environment, run, reason, finding_id in rows
        if report.finding(finding_id)
    ]
    return table(pd.DataFrame(shown, dtype=object), "Which set-up for which environment")


def _burst(report: Report, deployment: str) -> Html:
    duration = with_interval(report.finding(f"duration-{BURST_50}-{deployment}"), "{:.2f}")
    memory = of_finding(report.finding(f"memory_mib-{BURST_50}-{deployment}"), "{:.0f} MiB")
    if memory is MISSING:
        return sentence("50 users at once take {duration} s", duration=duration)
    return sentence("50 users at once take {duration} s and {memory}", duration=duration, memory=memory)


def _connections(report: Report) -> Html:
    tuned, advised = (
        of_finding(report.finding(f"connections_allowed-{BURST_50}-{name}"), "{:,.0f}") for name in (TUNED, ADVISED)
    )
    text = "at most {tuned} connections instead of {advised}; PostgreSQL's default allows 97"
    return sentence(text, tuned=tuned, advised=advised)


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
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.of_kind("advice"):
        groups.setdefault((finding.verdict, finding.evidence), []).append(finding)
    rows = {
        verdict: [_advice_row(group) for (of_group, _), group in groups.items() if of_group == verdict]
        for verdict in (DO_NOT_FOLLOW, FOLLOW, NOT_MEASURED)
    }
    judged = rows[DO_NOT_FOLLOW] + rows[FOLLOW]
    return join(
        _advice_sentence(report),
        behind(
            ("the published advice, evaluated", table(pd.DataFrame(judged, dtype=object), "The published advice")),
            ("advice that no run evaluates", table(pd.DataFrame(rows[NOT_MEASURED], dtype=object), "Not measured")),
            ("the settings to copy", _settings(report)),
        ),
    )


def _advice_sentence(report: Report) -> Html:
    """How much of the published advice the runs confirm."""
    verdicts = [finding.verdict for finding in report.of_kind("advice")]
    against, following, missing = (
        number(str(verdicts.count(verdict)), SECTION) for verdict in (DO_NOT_FOLLOW, FOLLOW, NOT_MEASURED)
    )
    text = sentence(
        "Of the published advice the runs speak against {against} lines and for {following}; not measured: {missing}.",
        against=against, following=following, missing=missing,
    )  # fmt: skip
    return Html(f"<p>{text}</p>")


def _advice_row(group: Sequence[Finding]) -> dict:
    named = "; ".join(finding.claim.partition(": ")[2].partition(" (")[0] for finding in group)
    return {
        "published advice": marked(named, "published"),
        "verdict": Verdict(group[0].verdict),
        "measured": marked(group[0].evidence, group[0].id),
    }

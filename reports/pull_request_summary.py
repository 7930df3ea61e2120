"""`summary.md`: the decision, the changes, their cause, and what it would take to decide, for a pull request.

It stays below 6 KB, the first line says all that was decided, and rows that do not fit are counted.
"""

import math
from collections.abc import Iterable, Sequence

from analysis import regressions
from analysis.arm_wording import arms_clause
from analysis.environment_facts import machine
from analysis.findings import fault_findings, objectives
from analysis.findings.effort import effort, minutes
from analysis.findings.finding import (
    EQUIVALENT,
    FAIL,
    IMPROVEMENT,
    INCONCLUSIVE,
    INVALID,
    NOT_MEASURED,
    PASS,
    REGRESSION,
    Finding,
)
from analysis.findings.wording import effect_size, ratio_text
from analysis.metrics import cpu_metrics
from analysis.soak.growth import FALLS, FLAT, GROWS
from analysis.stats.power import MAX_BLOCKS
from workbench import imported
from workbench.arms import TUNED, WITHOUT
from workbench.declared_arms import KEY, declared
from workbench.display import DASH
from workbench.recording import Experiment
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from .decision import GROWTH, OVERLOAD, Decision, decides, is_about_resilience
from .run_counts import valid_text
from .sections.loads import ROLES

MAX_BYTES = 6_000
MAX_CELL_CHARACTERS, MAX_TEXT_CHARACTERS = 160, 500
MAX_CAUSES = 3
MAX_ROWS = 15  # of a table
DURATION = "-makespan_s"  # the end of the ids of findings on the duration
EFFECT, EXPLANATION = "effect", "explanation"
# The rows that matter most first; those at the end are left out where there are too many.
ORDER = (FAIL, REGRESSION, GROWS, INVALID, NOT_MEASURED, INCONCLUSIVE, IMPROVEMENT, EQUIVALENT, PASS)


class _Table:
    """A table of Markdown under a heading, of which the last rows can be left out; they are counted then."""

    def __init__(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]):
        self._head = ["", f"### {title}", ""]
        self._columns = [_row(columns), "| " + " | ".join("---" for _ in columns) + " |"]
        self.rows = [_row(row) for row in rows[:MAX_ROWS]]
        self._number = len(rows)

    def lines(self) -> list[str]:
        """Its lines; none for a table that never had a row."""
        if not self._number:
            return []
        left_out = self._number - len(self.rows)
        more = ["", f"… and {left_out} more, see `findings.json`."] if left_out else []
        return [*self._head, *(self._columns if self.rows else []), *self.rows, *more]


def summary(decision: Decision, experiment: Experiment | None, findings: Sequence[Finding]) -> str:
    """The text of the file; `experiment` is None where none could be read."""
    head = [f"**{decision.verdict}**: {_text(decision.reason, MAX_TEXT_CHARACTERS)}"]
    if decision.verdict == INVALID:
        head += ["", *(f"- {_text(line)}" for line in decision.lines)]
    if experiment is None:
        return "\n".join(head) + "\n"
    head += ["", _measured(experiment)]
    resilience = [_faults(findings), _overload(findings), _soak(findings)]
    tables = [_objectives(findings), *resilience, _changes(findings), _efforts(findings)]
    causes = list(_causes(experiment, findings))[:MAX_CAUSES]
    return _fitted(
        head,
        tables,
        ["", "### Cause", "", *(f"- {_text(cause, MAX_TEXT_CHARACTERS)}" for cause in causes)] if causes else [],
    )


def _fitted(head: list[str], tables: list[_Table], cause: list[str]) -> str:
    """All parts as one text; the longest table loses its last row until it fits."""
    while True:
        *before, efforts = (table.lines() for table in tables)
        text = "\n".join([*head, *(line for lines in before for line in lines), *cause, *efforts]) + "\n"
        longest = max(tables, key=lambda table: len(table.rows))
        if len(text.encode()) < MAX_BYTES or not longest.rows:
            return text
        longest.rows.pop()


def _measured(experiment: Experiment) -> str:
    """What was measured, where, and how much of it is valid."""
    environment = experiment.record["environment"]
    arms = declared(experiment.record)
    commit = (environment.get("commit") or "unknown")[:10] + ("+" if environment.get("dirty") else "")
    code = arms_clause(arms) if arms else f"commit {commit}"
    digest = f"; SHA-256 {experiment.digest[:16]}…" if experiment.digest else ""
    return _text(
        f"{_subject(experiment)}, {code}; {machine(environment)}; {valid_text(experiment)}{digest}",
        MAX_TEXT_CHARACTERS,
    )


def _subject(experiment: Experiment) -> str:
    """The profile and its scale; a user's own application has its name, and the profile of its file if one was chosen.

    The scale is that of the workbench's database, which such an application does not use.
    """
    record = experiment.record
    if imported.is_imported(record):
        return f"Imported from {imported.tool(record)}"
    if application := (record.get(KEY) or {}).get("application"):
        profile = application.get("profile")
        return f"Application {application['name']}{f', profile {profile}' if profile else ''}"
    return f"Profile {record['profile']}, scale {record['scale']}"


def _objectives(findings: Sequence[Finding]) -> _Table:
    """The objectives that failed, were not measured, or have invalid runs only; none where resilience alone decides."""
    rows = [
        (finding.claim, finding.verdict, finding.evidence)
        for finding in _ordered(findings, objectives.KIND)
        if finding.verdict != PASS and not is_about_resilience(findings)
    ]
    return _Table("Objectives that did not pass", ("objective", "verdict", "measured"), rows)


def _faults(findings: Sequence[Finding]) -> _Table:
    """The faults of our set-up that miss a target, or have invalid runs only; then those that were not run."""
    rows = [
        (finding.claim.partition(":")[0], finding.verdict, finding.evidence)
        for finding in _ordered(findings, fault_findings.KIND)
        if finding.verdict != PASS
    ]
    return _Table("Faults that miss a target, or were not run", ("fault", "verdict", "measured"), rows)


def _overload(findings: Sequence[Finding]) -> _Table:
    """The targets under overload that decide, and are missed, invalid or not measured."""
    rows = [
        (finding.claim, finding.verdict, finding.evidence)
        for finding in _ordered(findings, OVERLOAD)
        if decides(finding) and finding.verdict != PASS
    ]
    return _Table("Targets missed under overload, or not measured", ("target", "verdict", "measured"), rows)


def _soak(findings: Sequence[Finding]) -> _Table:
    """The resources that decide, and grow in the soak, or of which that is not known."""
    rows = [
        (finding.claim, finding.verdict, finding.evidence)
        for finding in _ordered(findings, GROWTH)
        if decides(finding) and finding.verdict not in (FLAT, FALLS)
    ]
    return _Table("Resources that grow in a soak, or of which it is open", ("resource", "verdict", "measured"), rows)


def _changes(findings: Sequence[Finding]) -> _Table:
    """The changes against the baseline; without one the effects of the experiment that have a verdict."""
    compared = _ordered(findings, regressions.KIND)
    title = "Changes against the baseline" if compared else "Changes"
    rows = [
        (finding.claim, _ratio(finding), finding.verdict, str(finding.n))
        for finding in compared or _ordered(findings, EFFECT)
        if finding.verdict in ORDER and (compared or finding.interval)
    ]
    return _Table(title, ("change", "after / before (95 % interval)", "verdict", "blocks"), rows)


def _efforts(findings: Sequence[Finding]) -> _Table:
    """What it would take to decide what is inconclusive."""
    compared = any(finding.kind == regressions.KIND for finding in findings)
    rows = [
        (finding.claim, _detectable(finding), _required(finding))
        for finding in _ordered(findings, regressions.KIND if compared else EFFECT)
        if effort(finding)
    ]
    return _Table("What it would take to decide", ("change", "minimum detectable effect", "blocks required"), rows)


def _ordered(findings: Sequence[Finding], kind: str) -> list[Finding]:
    """The findings of a kind: by verdict, the largest effects first."""
    of_kind = [finding for finding in findings if finding.kind == kind]
    return sorted(of_kind, key=lambda finding: (_rank(finding.verdict), -_size(finding)))


def _rank(verdict: str) -> int:
    return ORDER.index(verdict) if verdict in ORDER else len(ORDER)


def _size(finding: Finding) -> float:
    return abs(math.log(finding.effect)) if finding.effect and finding.effect > 0 else 0.0


def _ratio(finding: Finding) -> str:
    if finding.effect is None:
        return DASH
    if finding.interval is None:
        return ratio_text(finding.effect)
    low, high = map(ratio_text, finding.interval)
    return f"{ratio_text(finding.effect)} ({low}–{high})"


def _detectable(finding: Finding) -> str:
    return effect_size(finding.minimum_detectable_effect) if finding.minimum_detectable_effect else DASH


def _required(finding: Finding) -> str:
    blocks = finding.blocks_required
    return f"{f'more than {MAX_BLOCKS}' if blocks is None else blocks}{minutes(finding)}"


def _causes(experiment: Experiment, findings: Sequence[Finding]) -> Iterable[str]:
    """What explains the decision: of a regression what moved beside it, of a broken objective CPU and saturation.

    The optimisations that are worth most come last.
    """
    worse = [each for each in _ordered(findings, regressions.KIND) if each.verdict == REGRESSION]
    for finding in sorted(worse, key=lambda finding: not finding.id.endswith(DURATION)):
        yield f"{finding.claim}: {finding.evidence}"
    failed = [each for each in findings if each.kind == objectives.KIND and each.verdict == FAIL]
    if floor := next((finding for finding in failed if "CPU lower bound" in finding.claim), None):
        yield from _other_cpu(experiment, floor)
    explained = {run for finding in failed for run in finding.runs}
    for finding in findings:
        if finding.kind == EXPLANATION and finding.id.startswith("limit-") and explained & set(finding.runs):
            yield f"{finding.claim}: {finding.evidence}"
    for finding in _ordered(findings, EFFECT):
        is_optimisation = f" {TUNED}{WITHOUT}" in finding.claim and finding.id.endswith(DURATION)
        if is_optimisation and finding.verdict == IMPROVEMENT:
            yield f"{finding.claim}: {finding.evidence}"


def _other_cpu(experiment: Experiment, finding: Finding) -> Iterable[str]:
    """The CPU time of an arm besides its hashes and queries: what keeps it from the CPU lower bound."""
    arms = {(run.deployment, run.scenario) for run in experiment.runs if run.name in finding.runs}
    for deployment, scenario in sorted(arms):
        other_s = cpu_metrics.other_cpu_s(experiment, deployment, scenario)
        if parts := ", ".join(f"{ROLES[role]} {cpu_s:.2f} s" for role, cpu_s in other_s.items()):
            cores = experiment.record["environment"]["cpu_count"]
            yield f"CPU of {scenario} on {deployment} that is neither hash nor query, on {cores} cores: {parts}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _text(text: str, limit: int = MAX_CELL_CHARACTERS) -> str:
    return cleaned(redacted(text), Target.MARKDOWN, limit)

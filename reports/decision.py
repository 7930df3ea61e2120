"""The decision of the gate: pass, fail, inconclusive or invalid, as it follows from findings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from analysis import regressions
from analysis.findings import fault_findings, objectives, overload_claims, resource_growth
from analysis.findings.effort import effort
from analysis.findings.finding import FAIL, INCONCLUSIVE, INVALID, NOT_MEASURED, PASS, REGRESSION, REPORTED, Finding
from analysis.findings.wording import counted
from analysis.soak.growth import GROWS
from workbench.errors import EXIT_FAILURE, EXIT_INVALID
from workbench.recording import Experiment

# Kinds of findings that the gate decides by; of those in `CHOSEN` it does by some. Faults with published settings are
# not among them: no change mends those.
OVERLOAD, GROWTH = overload_claims.KIND, resource_growth.KIND
RESILIENCE = (fault_findings.KIND, OVERLOAD, GROWTH)
DECIDING = (objectives.KIND, *RESILIENCE, regressions.KIND)
CHOSEN = {OVERLOAD: overload_claims.decides, GROWTH: resource_growth.decides}
EXIT_CODES = {PASS: 0, FAIL: EXIT_FAILURE, INCONCLUSIVE: EXIT_INVALID, INVALID: EXIT_INVALID}
FAILED, OPEN = (FAIL, REGRESSION, GROWS), (INCONCLUSIVE, NOT_MEASURED, INVALID)


@dataclass(frozen=True)
class Decision:
    """A verdict with its reason, a phrase; `lines` has a line for each finding or problem behind it."""

    verdict: str
    reason: str
    lines: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The first line of all outputs: `fail: experiment …: 1 of 13 objectives is not met`."""
        return f"{self.verdict}: {self.reason}"

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    def with_notes(self, notes: Iterable[str]) -> "Decision":
        """The decision with facts that may matter, a line each, behind its other lines."""
        return replace(self, lines=(*self.lines, *(f"note: {note}" for note in notes)))


def invalid(reason: str, lines: Iterable[str] = ()) -> Decision:
    """The decision that nothing can be decided."""
    return Decision(INVALID, reason, tuple(lines))


def decide(experiment: Experiment, findings: Sequence[Finding]) -> Decision:
    """Decide by the objectives, by faults, overload and soak of our set-up, and by the findings against a baseline.

    A broken objective, a missed target under a fault or an overload, a resource that grows in a soak, or a regression
    is *fail*. Without one, a finding that was not measured or is inconclusive makes the decision *inconclusive*. Of
    faults, overload and soak an invalid one alone does: this machine may lack what a fault needs, and a short soak
    leaves some resource inconclusive. Where no objective was measured those are left out of an experiment with them.
    The reason of any decision names what else is open: inconclusive effects, and runs that are not valid.
    """
    groups = {kind: [each for each in findings if each.kind == kind and decides(each)] for kind in DECIDING}
    made = [each for kind in RESILIENCE for each in groups[kind] if each.verdict != NOT_MEASURED]
    if is_about_resilience(findings):
        groups[objectives.KIND] = []
    deciding = [*groups[objectives.KIND], *made, *groups[regressions.KIND]]
    failed = [finding for finding in deciding if finding.verdict in FAILED]
    pending = [finding for finding in deciding if is_open(finding)]
    phrases = [
        *(_objective_phrases(groups[objectives.KIND]) if groups[objectives.KIND] or not made else []),
        *_fault_phrases(groups[fault_findings.KIND]),
        *_overload_phrases(groups[OVERLOAD]),
        *_soak_phrases(groups[GROWTH]),
        *_baseline_phrases(groups[regressions.KIND]),
    ]
    reason = f"experiment {experiment.name}: {', '.join(phrases) or 'there is no objective to meet'}"
    if caveats := _caveats(experiment, findings):
        reason += f" (but {', '.join(caveats)})"
    verdict = FAIL if failed else PASS if deciding and not pending else INCONCLUSIVE
    return Decision(verdict, reason, tuple(map(finding_line, [*failed, *pending])))


def decides(finding: Finding) -> bool:
    """True for a finding that can fail the gate."""
    return finding.kind in DECIDING and CHOSEN.get(finding.kind, lambda _: True)(finding)


def is_open(finding: Finding) -> bool:
    """True for a finding that decides and keeps the gate from a pass without failing it."""
    return decides(finding) and finding.verdict in ((INVALID,) if finding.kind in RESILIENCE else OPEN)


def is_about_resilience(findings: Sequence[Finding]) -> bool:
    """True for an experiment with faults, overload or a soak and no measured objective: those alone decide."""
    measured = {each.kind for each in findings if decides(each) and each.verdict != NOT_MEASURED}
    return objectives.KIND not in measured and not measured.isdisjoint(RESILIENCE)


def finding_line(finding: Finding) -> str:
    """`fail: <claim>: <evidence>`, and of an inconclusive finding what it would take to decide."""
    suffix = f" ({text})" if (text := effort(finding)) else ""
    return f"{finding.verdict}: {finding.claim}: {finding.evidence}{suffix}"


def _objective_phrases(findings: Sequence[Finding]) -> list[str]:
    total = counted(len(findings), "objective")
    if findings and all(finding.verdict == PASS for finding in findings):
        return [f"the {total} is met" if len(findings) == 1 else f"all {total} are met"]
    return [f"{part} of {total} {text}" for part, text in _parts(findings, {FAIL: "not met"})]


def _fault_phrases(findings: Sequence[Finding]) -> list[str]:
    """How many faults miss a target or have invalid runs only; how many were not run."""
    if not findings:
        return []
    not_run = sum(finding.verdict == NOT_MEASURED for finding in findings)
    made = [finding for finding in findings if finding.verdict != NOT_MEASURED]
    total = counted(len(made), "fault")
    parts = [f"{number} of {total} {text}" for number, text in _parts(made, {FAIL: "with a missed target"})]
    return [*(parts or [f"no target missed under {total}"]), *([f"{not_run} more not run"] if not_run else [])]


def _overload_phrases(findings: Sequence[Finding]) -> list[str]:
    """How many targets under overload are missed or have no valid load; how many were not measured."""
    made = [finding for finding in findings if finding.verdict != NOT_MEASURED]
    total = f"{counted(len(made), 'target')} under overload"
    parts = [f"{number} of {total} {text}" for number, text in _parts(made, {FAIL: "missed"})]
    return [*(parts or ([f"none of {total} missed"] if made else [])), *_not_measured_phrases(findings, "target")]


def _soak_phrases(findings: Sequence[Finding]) -> list[str]:
    """How many resources grow in the soak, or are inconclusive; how many were not measured."""
    made = [finding for finding in findings if finding.verdict != NOT_MEASURED]
    total = f"{counted(len(made), 'resource')} in a soak"
    parts = [f"{number} of {total} {text}" for number, text in _parts(made, {GROWS: "with growth"})]
    return [*(parts or ([f"none of {total} grows"] if made else [])), *_not_measured_phrases(findings, "resource")]


def _not_measured_phrases(findings: Sequence[Finding], noun: str) -> list[str]:
    number = sum(finding.verdict == NOT_MEASURED for finding in findings)
    return [f"{counted(number, f'more {noun}')} not measured"] if number else []


def _baseline_phrases(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    total = counted(len(findings), "comparison")
    parts = _parts(findings, {REGRESSION: "worse than the baseline"})
    return [f"{part} of {total} {text}" for part, text in parts] or [f"nothing worse than the baseline in {total}"]


def _parts(findings: Sequence[Finding], failed: dict[str, str]) -> list[tuple[int, str]]:
    """How many findings have each verdict that is no pass, with the words for it."""
    words = {**failed, INCONCLUSIVE: INCONCLUSIVE, NOT_MEASURED: NOT_MEASURED, INVALID: INVALID}
    numbers = {text: sum(finding.verdict == verdict for finding in findings) for verdict, text in words.items()}
    return [(number, text) for text, number in numbers.items() if number]


def _caveats(experiment: Experiment, findings: Sequence[Finding]) -> list[str]:
    """What a reader of the first line has to know beside the decision."""
    effects = [finding for finding in findings if finding.kind == "effect" and finding.verdict != REPORTED]
    inconclusive = sum(finding.verdict == INCONCLUSIVE for finding in effects)
    invalid = len(experiment.invalid)
    return [
        *([f"{inconclusive} of {counted(len(effects), 'effect')} inconclusive"] if inconclusive else []),
        *([f"{invalid} of {counted(len(experiment.runs), 'run')} not valid"] if invalid else []),
    ]

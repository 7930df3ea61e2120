"""Sentences about a comparison of arms: what each arm is, in what they differ, and what came of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workbench import imported
from workbench.declared_arms import CHECKOUT, DEPLOYMENT, DeclaredArm, identity

from .arm_differences import COMMIT_CHARACTERS, differences, short_commands
from .findings.finding import EQUIVALENT, IMPROVEMENT, INCONCLUSIVE, INVALID, NOT_MEASURED, REGRESSION, Finding
from .findings.wording import counted

ORDER = (REGRESSION, IMPROVEMENT, INCONCLUSIVE, EQUIVALENT, NOT_MEASURED, INVALID)
WORDS = {REGRESSION: "worse", IMPROVEMENT: "better"}  # of a verdict in a sentence
SHARED = {  # facts of checkouts beside their code, by their names for people
    "python": "version of Python", "packages": "versions of packages", "schema": "database schema",
}  # fmt: skip


def source_text(source: Mapping[str, Any]) -> str:
    """What an arm is: `commit 0123456789 with local changes`, `deployment tuned`, its command, or its URL."""
    if source["kind"] == CHECKOUT:
        commit = f"commit {(source.get('commit') or 'unknown')[:COMMIT_CHARACTERS]}"
        return f"{commit} with local changes" if source.get("dirty") else commit
    named = str(source.get(source["kind"]) or "unknown")
    return f"deployment {named}" if source["kind"] == DEPLOYMENT else named


def arms_clause(arms: Sequence[DeclaredArm]) -> str:
    """What the arms are, and in what else they differ: `base is commit 0123456789, head is …; their … differ`."""
    named = _named(arms)
    if len(arms) == 1:
        return named
    if any(arm.kind == imported.KEY for arm in arms):
        return f"{named}; where and in which order they were measured is not recorded"
    if len({identity(arm.source) for arm in arms}) == 1:
        return f"{named}, which is the same"
    differing = [name for fact, name in SHARED.items() if len({repr(arm.source.get(fact)) for arm in arms}) > 1]
    if differing:
        return f"{named}; they also differ in {' and '.join(differing)}"
    return f"{named}; measured in the same blocks on one machine"


def _named(arms: Sequence[DeclaredArm]) -> str:
    """`one is …, two is …, with TAKES 0 → 0.05`; what is the same and long stands once, and without its middle."""
    short, own = short_commands(arms), differences(arms)
    whole = [source_text(arm.source) for arm in arms]
    texts = [short.get(text, text) for text in whole]
    if len(arms) > 1 and len(set(whole)) == 1 and any(own.values()):
        changes = "".join(f", {arm.name} with {own[arm.name]}" for arm in arms[1:] if own[arm.name])
        *others, last = (arm.name for arm in arms)
        return f"{', '.join(others)} and {last} are {texts[0]}{changes}"
    with_changes = {arm.name: f" with {own[arm.name]}" if own[arm.name] else "" for arm in arms[1:]}
    return ", ".join(
        f"{arm.name} is {text}{with_changes.get(arm.name, '')}" for arm, text in zip(arms, texts, strict=True)
    )


def verdict_counts(findings: Sequence[Finding]) -> str:
    """`1 worse, 2 equivalent`; `nothing measured` without findings."""
    counts = Counter(finding.verdict for finding in findings)
    named = [f"{counts[verdict]} {WORDS.get(verdict, verdict)}" for verdict in ORDER if counts[verdict]]
    return ", ".join(named) or "nothing measured"


def verdict_sentence(arms: Sequence[DeclaredArm], findings: Sequence[Finding], *, has_sources: bool = True) -> str:
    """The whole comparison in one sentence; `findings` are those against the baseline.

    It says what the arms are, unless their names have to do: `has_sources`.
    """
    baseline, *candidates = (arm.name for arm in arms)
    clause = f"; {arms_clause(arms)}" if has_sources else ""
    if not candidates:
        return f"{baseline} alone, with nothing to compare it with{clause}."
    metrics = counted(len(findings), "comparison")
    return f"{' and '.join(candidates)} against {baseline}, {metrics}: {verdict_counts(findings)}{clause}."

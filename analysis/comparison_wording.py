"""Sentences about the comparison of two experiments, the same in the terminal and on the page."""

from .environment_facts import CODE, DATA, METHOD, VERSIONS, FactChange
from .findings import wording
from .recording_comparison import ComparedMetric, ExperimentComparison
from .stats.confidence import MIN_BLOCKS
from .stats.power import MAX_BLOCKS

PARTICIPLES = {
    "regression": "regressed",
    "improvement": "improved",
    "inconclusive": "inconclusive",
    "equivalent": "equivalent",
}
MAX_NAMED = 3  # changes that a sentence names


def verdict_sentence(comparison: ExperimentComparison) -> str:
    """Return the whole comparison in one sentence: the verdicts by number, and what else changed between the two."""
    if decisive := comparison.decisive_changes():
        return (
            f"No verdict, because A and B were not measured on the same {_what(decisive)}: {_named(decisive)}. Their "
            "values are shown, and decide nothing."
        )
    if not comparison.has_verdict():
        return f"No verdict: {_missing(comparison)}. {_capitalised(_environment(comparison))}."
    counts = ", ".join(f"{number} {PARTICIPLES[verdict]}" for verdict, number in comparison.counts().items())
    return f"B against A: {counts}; {_environment(comparison)}."


def _environment(comparison: ExperimentComparison) -> str:
    """What the two share and what changed between them, as far as both have it on record."""
    if comparison.is_imported:
        return "results were imported, so whether machine, versions, data and code are the same is not recorded"
    return environment_clause(comparison.changes)


def environment_clause(changes: tuple[FactChange, ...]) -> str:
    """Return what the two experiments share and what changed between them, as a clause."""
    if not changes:
        return "machine, versions, data, method and code are the same"
    kinds = {change.kind for change in changes}
    same = [kind for kind in (VERSIONS, DATA, METHOD, CODE) if kind not in kinds]
    shared = " and ".join([", ".join(["the same machine", *same[:-1]]), *same[-1:]])
    return f"{shared}; {_named(changes)}"


def decision_requirement(each: ComparedMetric) -> str:
    """Return what an inconclusive metric would take to be decided; empty for any other."""
    effect = each.effect
    if each.verdict != "inconclusive":
        return ""
    if effect.reason:
        return f"no improvement, as {effect.reason}"
    if effect.minimum_detectable_effect is None:
        return "a block has a value of 0 or infinity"
    blocks = effect.blocks_required or f"over {MAX_BLOCKS}"
    return (
        f"minimum detectable effect {wording.effect_size(effect.minimum_detectable_effect)}; {blocks} blocks required"
    )


def absence_of_verdict(comparison: ExperimentComparison, each: ComparedMetric) -> str:
    """Return why a metric has no verdict; empty for one that has."""
    if each.verdict is not None:
        return ""
    if decisive := comparison.decisive_changes():
        return f"another {_what(decisive)}"
    if each.effect.verdict == "reported":
        return "not declared as a primary metric"
    return f"{wording.counted(each.effect.blocks, 'block')} of {MIN_BLOCKS}"


def _missing(comparison: ExperimentComparison) -> str:
    """What it would take for any verdict."""
    if all(each.effect.verdict == "reported" for each in comparison.metrics()):
        return "no metric that both have was declared as a primary one by both"
    return f"it takes {MIN_BLOCKS} blocks of an arm in both experiments"


def _what(decisive: list[FactChange]) -> str:
    return " and ".join(dict.fromkeys(change.kind for change in decisive))


def _named(changes: list[FactChange] | tuple[FactChange, ...]) -> str:
    named, others = changes[:MAX_NAMED], len(changes) - MAX_NAMED
    return ", ".join([*map(str, named), *([f"{others} more changed"] if others > 0 else [])])


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def uncompared_lines(comparison: ExperimentComparison) -> list[str]:
    """Return a line for each arm that was not compared: where it ran, and why it was not compared."""
    compared = set(comparison.compared_arms())
    arms = {(run.deployment, run.scenario) for side in (comparison.before, comparison.after) for run in side.runs}
    return [_uncompared(comparison, *arm) for arm in sorted(arms - compared)]


def _uncompared(comparison: ExperimentComparison, deployment: str, scenario: str) -> str:
    name = f"{deployment} under {scenario}"
    if fields := comparison.left_out.get((deployment, scenario)):
        return f"{name}: its loads differ in {', '.join(fields)}"
    states = {}
    for letter, side in (("A", comparison.before), ("B", comparison.after)):
        planned = [run for run in side.runs if (run.deployment, run.scenario) == (deployment, scenario)]
        usable = len(side.find(deployment, scenario))
        states[letter] = f"{wording.counted(usable, 'usable run')} in {letter}" if planned else f"not in {letter}"
    return f"{name}: {', '.join(states.values())}"

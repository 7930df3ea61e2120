"""The sentence of a comparison: verdicts by number, what else changed, and what it would take where there is none."""

import pytest

from analysis import comparison_wording
from analysis.effect_tables import Change, EffectTable
from analysis.environment_facts import FactChange
from analysis.metrics.effect_metrics import EFFECT_METRICS
from analysis.recording_comparison import ExperimentComparison
from analysis.stats.hypothesis import Comparison, Effect, evaluate

DURATION = next(metric for metric in EFFECT_METRICS if metric.column == "makespan_s")
COMMIT = FactChange("commit", "0123456789", "89abcdef01")
PYTHON = FactChange("Python", "3.11.7", "3.12.1")
CORES = FactChange("number of cores", "2", "4")


def compared(*effects, changes=()):
    table = EffectTable("burst-50", DURATION, tuple(Change(each.name, each.name, each.name) for each in effects),
                        tuple(effects), None)  # fmt: skip
    return ExperimentComparison(None, None, (table,), {}, tuple(changes))


def effects(**log_ratios):
    """Effects of four blocks by name, from a mean log ratio with a standard error of 0.01."""
    comparisons = {name: Comparison(mean, 0.01, 6, 4) for name, mean in log_ratios.items()}
    return evaluate(comparisons, equivalence_margin=DURATION.equivalence_margin)


def test_the_sentence_counts_verdicts_and_names_the_commit():
    comparison = compared(*effects(slow=0.5, fast=-0.5, same=0.0), changes=[COMMIT])
    assert comparison_wording.verdict_sentence(comparison) == (
        "B against A: 1 regressed, 1 improved, 0 inconclusive, 1 equivalent; the same machine, versions, data and "
        "method; commit 0123456789 → 89abcdef01."
    )


def test_another_machine_decides_nothing():
    comparison = compared(*effects(slow=0.5), changes=[CORES, COMMIT])
    assert comparison_wording.verdict_sentence(comparison).startswith(
        "No verdict, because A and B were not measured on the same machine: number of cores 2 → 4."
    )
    (metric,) = comparison.metrics()
    assert (metric.verdict, comparison.has_verdict(), comparison.regressions()) == (None, False, [])
    assert comparison_wording.absence_of_verdict(comparison, metric) == "another machine"


def test_metrics_are_sorted_by_verdict_and_then_by_size():
    sizes = {"same": 0.0, "fast": -0.5, "faster": -0.9, "slow": 0.5}
    unclear = evaluate({"unclear": Comparison(0.05, 0.08, 6, 4)}, equivalence_margin=0.1)
    names = [each.effect.name for each in compared(*effects(**sizes), *unclear).metrics()]
    assert names == ["slow", "faster", "fast", "unclear", "same"]


def test_an_inconclusive_metric_has_the_detectable_effect_and_the_blocks_required():
    (metric,) = compared(*evaluate({"tuned": Comparison(0.05, 0.08, 6, 4)}, equivalence_margin=0.1)).metrics()
    requirement = comparison_wording.decision_requirement(metric)
    blocks = metric.effect.blocks_required
    assert (metric.verdict, blocks > 4) == ("inconclusive", True)
    assert (
        requirement
        == f"minimum detectable effect {metric.effect.minimum_detectable_effect - 1:.0%}; {blocks} blocks required"
    )


@pytest.mark.parametrize(
    ("effect", "reason", "sentence"),
    [
        (Effect("tuned", 0.5, 1, "inconclusive"), "1 block of 4", "it takes 4 blocks of an arm in both experiments"),
        (
            Effect("tuned", 0.5, 4, "reported", 0.4, 0.6),
            "not declared as a primary metric",
            "was declared as a primary",
        ),
    ],
)
def test_without_a_verdict_the_reason_is_named(effect, reason, sentence):
    comparison = compared(effect, changes=[PYTHON])
    (metric,) = comparison.metrics()
    assert (metric.verdict, comparison_wording.absence_of_verdict(comparison, metric)) == (None, reason)
    text = comparison_wording.verdict_sentence(comparison)
    assert sentence in text
    assert text.endswith("The same machine, data, method and code; Python 3.11.7 → 3.12.1.")


def test_many_changes_are_counted_not_listed():
    packages = [FactChange(f"package p{number}", "1", "2") for number in range(9)]
    assert comparison_wording.environment_clause(tuple(packages)).endswith("package p2 1 → 2, 6 more changed")

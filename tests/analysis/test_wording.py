"""Sentences against the effects and the growth that they are made of."""

import numpy as np
import pandas as pd
import pytest

from analysis.effect_tables import Change, EffectTable
from analysis.findings import wording
from analysis.metrics.effect_metrics import EFFECT_METRICS
from analysis.stats.hypothesis import Effect, evaluate, paired
from workbench.aggregates import SPLIT

DURATION = next(metric for metric in EFFECT_METRICS if metric.column == "makespan_s")
LOG_RATIOS = {
    "argon2": np.log([0.20, 0.21, 0.19, 0.20]),
    "workers": np.log([0.60, 0.62, 0.59, 0.61]),
    "slow thing": np.log([1.5, 1.6, 1.55, 1.5]),
    "nothing": np.log([1.0, 1.01, 0.99, 1.0]),
    "noise": np.log([0.8, 1.3, 0.9, 1.2]),
    "seldom": np.log([0.5]),
}


def evaluated(*names):
    comparisons = {name: paired(LOG_RATIOS[name]) for name in names}
    return tuple(evaluate(comparisons, equivalence_margin=DURATION.equivalence_margin))


def effect_table(*names, aa_difference=None, noise_floor=None):
    changes = tuple(Change(name, "without", "with") for name in names)
    return EffectTable("burst-50", DURATION, changes, evaluated(*names), aa_difference, noise_floor)


@pytest.mark.parametrize(
    ("ratio", "text"), [(12.345, "12.35"), (0.5, "0.50"), (0.1, "0.10"), (0.0423, "0.042"), (0.0005, "0.00050")]
)
def test_ratio_text_has_two_digits_at_least(ratio, text):
    assert wording.ratio_text(ratio) == text


@pytest.mark.parametrize(("ratio", "text"), [(1.125, "12%"), (1.99, "99%"), (2.0, "2.0-fold"), (25.28, "25.3-fold")])
def test_effect_size_is_a_percentage_below_two(ratio, text):
    assert wording.effect_size(ratio) == text


def test_growth_sentence_has_the_parts_of_the_endpoints_that_grew():
    growth = pd.DataFrame(0.0, ["login", "dashboard"], ["fewer_ms", "more_ms", "fewer", "more", *SPLIT])
    growth[["fewer", "more"]] = [2, 9]
    growth.loc["login", ["fewer_ms", "more_ms", "hash", "queue", "db"]] = [100, 200, 90, 30, -20]
    growth.loc["dashboard", ["fewer_ms", "more_ms", "queue"]] = [6.0, 5.7, -0.3]
    assert wording.growth_sentence("tuned", "burst-25", "burst-50", growth) == (
        "Growth of tail latency on tuned from burst-25 to burst-50 (login; the others did not grow by over 5%): "
        "hashing and waiting for a hash slot 90%, waiting for a worker 30%, less the database 20%; from 2 and 9 "
        "requests, no interval."
    )
    assert "did not grow by over 5%" in wording.growth_sentence("tuned", "a", "b", growth.loc[["dashboard"]])
    growth["rest"] = float("nan")
    assert "are not known: not all of them were recorded" in wording.growth_sentence("tuned", "a", "b", growth)


def test_ratio_with_interval_names_a_value_of_zero():
    effect = Effect("cache", 0.0, 4, "improvement")
    assert wording.ratio_with_interval(effect) == "0 (4 blocks, a value of 0)"

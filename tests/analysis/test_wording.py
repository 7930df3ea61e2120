"""Sentences against the effects that they are made of."""

import re

import numpy as np
import pandas as pd
import pytest

from analysis.ablation import FIGURES, Change, Worth
from analysis.bottleneck import SPLIT
from analysis.findings import wording
from analysis.stats.hypothesis import Effect, paired, table

DURATION = next(figure for figure in FIGURES if figure.column == "makespan_s")
LOGS = {
    "argon2": np.log([0.20, 0.21, 0.19, 0.20]),
    "workers": np.log([0.60, 0.62, 0.59, 0.61]),
    "slow thing": np.log([1.5, 1.6, 1.55, 1.5]),
    "nothing": np.log([1.0, 1.01, 0.99, 1.0]),
    "noise": np.log([0.8, 1.3, 0.9, 1.2]),
    "seldom": np.log([0.5]),
}


def worth(*names, chance=None, floor=None):
    effects = tuple(table({name: paired(LOGS[name]) for name in names}, band=DURATION.band))
    changes = tuple(Change(name, "without", "with") for name in names)
    return Worth("burst-50", DURATION, changes, effects, chance, floor)


def test_every_effect_is_told_once_under_its_verdict_with_its_figures():
    found = worth(*LOGS)
    told = wording.of_worth(found)
    assert told.startswith("Duration under burst-50: ")
    for effect in found.effects:
        assert told.count(effect.name) == 1
        assert f"{effect.name} {wording.ratio_with_interval(effect)}" in told
    order = [told.index(word) for word in ("a gain", "a loss", "the same within 10%", "undecided", "without a verdict")]
    assert order == sorted(order)


def test_the_largest_gain_comes_first():
    told = wording.of_worth(worth("workers", "argon2"))
    assert re.search(r"a gain: argon2 .*, workers ", told)


def test_what_is_undecided_says_what_would_have_been_found():
    (effect,) = worth("noise").effects
    told = wording.of_worth(worth("noise"))
    assert wording.size(effect.detectable) in told
    assert f"{effect.blocks_needed} blocks would as often find one of 10%, or that there is none" in told


@pytest.mark.parametrize(
    ("ratio", "text"), [(12.345, "12.35"), (0.5, "0.50"), (0.1, "0.10"), (0.0423, "0.042"), (0.0005, "0.0005")]
)
def test_a_ratio_has_two_digits_at_least(ratio, text):
    assert wording.number(ratio) == text


@pytest.mark.parametrize(("ratio", "text"), [(1.125, "12%"), (1.99, "99%"), (2.0, "2.0-fold"), (25.28, "25.3-fold")])
def test_an_effect_is_as_large_as_people_say_it(ratio, text):
    assert wording.size(ratio) == text


def test_a_baseline_that_differs_from_itself_is_a_warning():
    chance = table({"nothing": paired(LOGS["workers"])}, band=0.1)[0]
    told = wording.of_chance(worth("argon2", chance=chance, floor=1.713))
    assert "71.3%" in told
    assert "be careful" in told
    quiet = table({"nothing": paired(LOGS["nothing"])}, band=0.1)[0]
    assert "be careful" not in wording.of_chance(worth("argon2", chance=quiet, floor=1.02))
    assert "nothing tells what differs by chance" in wording.of_chance(worth("argon2"))


def test_growth_is_told_of_what_grew():
    grown = pd.DataFrame(0.0, ["login", "dashboard"], ["fewer_ms", "more_ms", "fewer", "more", *SPLIT])
    grown[["fewer", "more"]] = [2, 9]
    grown.loc["login", ["fewer_ms", "more_ms", "hash", "queue", "db"]] = [100, 200, 90, 30, -20]
    grown.loc["dashboard", ["fewer_ms", "more_ms", "queue"]] = [6.0, 5.7, -0.3]
    assert wording.of_growth("tuned", "burst-25", "burst-50", grown) == (
        "Of the growth of the tail of latency on tuned from burst-25 to burst-50 (login; the others did not grow by "
        "over 5%): hashing and the wait for a turn 90%, waiting for a worker 30%, less the database 20%; from 2 and 9 "
        "requests, no interval."
    )
    assert "did not grow by over 5%" in wording.of_growth("tuned", "a", "b", grown.loc[["dashboard"]])
    grown["rest"] = float("nan")
    assert "cannot be told, as not all parts were recorded" in wording.of_growth("tuned", "a", "b", grown)


def test_a_figure_of_nothing_says_so():
    effect = Effect("cache", 0.0, 4, "gain")
    assert wording.ratio_with_interval(effect) == "0 (4 blocks, a figure of 0)"

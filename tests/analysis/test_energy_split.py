"""The best place of a series: the maximum of the energy statistic, by its definition."""

from itertools import combinations, product

import numpy as np
import pytest

from analysis.stats.energy_split import best_split


def energy(left, right):
    """The statistic of two pieces, pair by pair."""

    def mean(pairs):
        distances = [abs(a - b) for a, b in pairs]
        return sum(distances) / len(distances) if distances else 0.0

    within = mean(combinations(left, 2)) + mean(combinations(right, 2))
    weight = len(left) * len(right) / (len(left) + len(right))
    return weight * (2 * mean(product(left, right)) - within)


@pytest.mark.parametrize("min_values", [1, 2, 4])
@pytest.mark.parametrize("seed", range(15))
def test_best_split_is_the_maximum_of_the_definition(seed, min_values):
    random = np.random.default_rng(seed)
    values = random.normal(size=8 + seed) + np.where(np.arange(8 + seed) > seed, 2.0, 0.0)
    scores = {
        (place, end): energy(values[:place], values[place:end])
        for end in range(2 * min_values, len(values) + 1)
        for place in range(min_values, end - min_values + 1)
    }
    assert best_split(values, min_values) == max(scores, key=scores.get)


def test_best_split_of_a_clear_step_is_its_place():
    assert best_split([1.0, 1.1, 0.9, 1.0, 5.0, 5.1, 4.9, 5.0, 5.2], 2) == (4, 9)


def test_best_split_looks_past_a_second_step():
    assert best_split([1.0, 1.1, 0.9, 1.0, 5.0, 5.1, 4.9, 5.0, 1.0, 1.1, 0.9, 1.0], 2) == (4, 8)


def test_best_split_of_too_few_values_is_none():
    assert best_split([1.0, 1.1, 9.0], 2) is None

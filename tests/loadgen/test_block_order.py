"""Orders of runs within blocks: balanced positions, and no effect where the machine drifts."""

import math
from collections import Counter
from random import Random

import numpy as np
import pytest

from analysis.stats.hypothesis import evaluate, paired
from loadgen.block_order import balanced_orders


@pytest.mark.parametrize("treatments", [1, 2, 3, 4, 5, 12, 40])
@pytest.mark.parametrize("blocks", [1, 4, 7, 12])
def test_balanced_orders_are_permutations_with_each_position_as_seldom_as_can_be(treatments, blocks):
    orders = balanced_orders(treatments, blocks, Random(3))
    assert [sorted(order) for order in orders] == [list(range(treatments))] * blocks
    places = Counter((treatment, place) for order in orders for place, treatment in enumerate(order))
    assert max(places.values()) <= math.ceil(blocks / treatments)


def test_balanced_orders_without_a_treatment_are_empty():
    assert balanced_orders(0, 2, Random(1)) == [[], []]


def test_every_treatment_is_as_likely_at_every_place_of_every_block():
    drawn = [balanced_orders(4, 3, Random(seed)) for seed in range(4000)]
    for block in range(3):
        shares = np.array([np.bincount([orders[block][place] for orders in drawn], minlength=4) for place in range(4)])
        assert shares / len(drawn) == pytest.approx(0.25, abs=0.03)


def test_one_treatment_does_not_follow_another_one_at_the_same_distance_in_all_blocks():
    same = 0
    for seed in range(500):
        orders = balanced_orders(10, 4, Random(seed))
        same += len({order.index(1) - order.index(0) for order in orders}) == 1
    assert same / 500 < 0.02


def drift_alarms(orders_of, experiments=2000, slope=0.02, noise=0.02):
    """Share of experiments in which the second of five arms differs from the first; each run is slower than the one
    before it by `slope`, on the log scale."""
    random, alarms = np.random.default_rng(1), 0
    for number in range(experiments):
        orders = orders_of(number)
        lags = np.array([order.index(1) - order.index(0) for order in orders])
        logs = slope * lags + random.normal(0.0, noise, len(orders))
        alarms += evaluate({"": paired(logs)}, equivalence_margin=1e-6)[0].verdict in ("improvement", "regression")
    return alarms / experiments


@pytest.mark.simulated
def test_a_machine_that_drifts_within_the_blocks_gives_no_more_false_alarms():
    fixed = balanced_orders(5, 4, Random(1))[0]
    balanced = drift_alarms(lambda number: balanced_orders(5, 4, Random(number)))
    always_the_same = drift_alarms(lambda number: [fixed] * 4)
    print(
        f"drift of 2 % a run, 4 blocks: false alarms {balanced:.1%}; in the same order in all blocks "
        f"{always_the_same:.1%}"
    )
    assert balanced <= 0.06
    assert always_the_same > 0.15

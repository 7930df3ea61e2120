"""The loads of a capacity search, for deployments whose limit is known, and with predictions that are wrong."""

import numpy as np
import pytest
from scipy import stats

from analysis.capacity.bracket import Bracket, Probe, bracket
from analysis.capacity.next_loads import MAX_PROBES, TARGET_RATIO, next_loads, remaining_probes

LOWEST, HIGHEST = 1, 20_000
BLOCKS = 5


def search(is_sustained, first=50, **how):
    """The probes of a search, and how many rounds it took; `is_sustained` is called for each probe."""
    probes, rounds = [], 0
    while loads := next_loads(probes, first, LOWEST, HIGHEST, **how):
        assert len(set(loads)) == len(loads)
        probes.extend(Probe(load, is_sustained(load)) for load in loads)
        rounds += 1
        assert rounds <= MAX_PROBES
    return probes


@pytest.mark.parametrize("predicted", [None, 3.0, 60.0, 15_000.0])
@pytest.mark.parametrize("limit", [2, 7, 49, 50, 51, 333, 4000, 19_000])
@pytest.mark.parametrize("first", [1, 50, 20_000])
def test_the_limit_lies_in_the_bracket_whatever_a_model_predicts(limit, first, predicted):
    probes = search(lambda load: load <= limit, first, predicted=predicted)
    found = bracket(probes)
    assert found.lower_bound <= limit < found.upper_bound
    assert found.upper_bound / found.lower_bound <= TARGET_RATIO or found.upper_bound - found.lower_bound <= 1
    assert len(probes) <= 25


def test_a_model_that_is_right_saves_most_of_the_way():
    without, guided = (len(search(lambda load: load <= 4000, predicted=predicted)) for predicted in (None, 3900.0))
    assert (without, guided) == (11, 3)


def test_each_end_is_tried_in_each_of_so_many_blocks_and_no_other_load_twice():
    probes = search(lambda load: load <= 123, predicted=110.0, blocks=BLOCKS)
    times = {load: sum(probe.load == load for probe in probes) for load in {probe.load for probe in probes}}
    found = bracket(probes, BLOCKS)
    assert found.lower_bound <= 123 < found.upper_bound
    assert {load for load, made in times.items() if made == BLOCKS} == {found.lower_bound, found.upper_bound}
    assert all(made in (1, BLOCKS) for made in times.values())


def test_end_that_is_not_sustained_again_is_replaced_by_a_smaller_load():
    answers = iter([True, False])
    probes = search(
        lambda load: next(answers, True) if load == 100 else load < 100, 100, predicted=100.0, blocks=BLOCKS
    )
    assert [probe.sustained for probe in probes if probe.load == 100].count(False) == 1
    found = bracket(probes, BLOCKS)
    assert found.lower_bound < 100 < found.upper_bound


def test_search_without_a_limit_has_the_highest_load_as_lower_bound():
    assert bracket(search(lambda load: True)) == Bracket(HIGHEST, None)
    assert bracket(search(lambda load: True, predicted=3.0, blocks=BLOCKS), BLOCKS) == Bracket(HIGHEST, None)


def test_search_that_sustains_nothing_has_the_lowest_load_as_upper_bound():
    assert bracket(search(lambda load: False)) == Bracket(None, LOWEST)
    assert bracket(search(lambda load: False, predicted=900.0, blocks=BLOCKS), BLOCKS) == Bracket(None, LOWEST)


def test_load_that_the_generator_cannot_make_is_a_ceiling_and_no_upper_bound():
    probes = search(lambda load: True if load < 100 else None, blocks=BLOCKS)
    found = bracket(probes, BLOCKS)
    assert found.upper_bound is None
    assert 100 / TARGET_RATIO <= found.lower_bound < 100
    unmade = [probe.load for probe in probes if probe.sustained is None]
    assert all(unmade.count(load) == 2 for load in unmade)


def test_one_invalid_run_is_no_ceiling():
    answers = iter([None])
    found = bracket(search(lambda load: next(answers, load <= 4000), first=3000, predicted=4000.0))
    assert found.lower_bound <= 4000 < found.upper_bound


def test_invalid_run_is_repeated_where_other_runs_of_its_load_are_valid():
    answers = iter([True, None])
    probes = search(lambda load: next(answers, True) if load == 50 else load < 50, predicted=50.0, blocks=BLOCKS)
    assert [probe.sustained for probe in probes if probe.load == 50] == [True, None, True, True, True, True]


def test_how_many_loads_are_left_to_try_is_known_once_there_is_a_bracket():
    probes, left = [], []
    while loads := next_loads(probes, 50, LOWEST, HIGHEST, blocks=BLOCKS):
        left.append((remaining_probes(probes, BLOCKS), len(probes)))
        probes.extend(Probe(load, load <= 333) for load in loads)
    assert [still + made for still, made in left][-4:] == [len(probes)] * 4
    assert all(still > 0 for still, _ in left)


def logistic(limit, spread):
    """The objective is met the less often the larger the load is; half of the time at the limit."""
    return lambda load: 1 / (1 + (load / limit) ** (1 / spread))


def with_hole(load):
    """Not monotone: from 60 to 90 a load is hardly ever sustained, from there to 200 it is."""
    return 0.05 if 60 <= load < 90 else logistic(200, 0.03)(load)


def heavy_tailed(load):
    """p95 of 600 latencies of a Pareto distribution without a variance, which grow with the load: it is below the bound
    where fewer than one in twenty of them is above; at 100 that is about as likely as not."""
    beyond = 0.05 * (load / 100) ** 1.2
    return float(stats.binom.cdf(29, 600, min(1.0, beyond)))


WORLDS = {
    "steady": logistic(100, 0.03),
    "outcomes that scatter": logistic(100, 0.4),
    "heavy tails": heavy_tailed,
    "a cliff": lambda load: float(load <= 100),
    "not monotone": with_hole,
}


@pytest.mark.simulated
@pytest.mark.parametrize("predicted", [None, 10.0, 95.0, 1000.0])
@pytest.mark.parametrize("world", WORLDS)
def test_what_is_said_of_both_ends_is_true_whatever_the_world_is_like(world, predicted):
    """A lower bound is sustained in more than half of its runs, an upper bound in fewer; wrong at most once in 20."""
    truth, random, wrong, ends, probes_made, brackets = WORLDS[world], np.random.default_rng(7), 0, 0, [], 0
    for _ in range(1000):
        probes = search(lambda load: random.random() < truth(load), first=30, predicted=predicted, blocks=BLOCKS)
        found = bracket(probes, BLOCKS)
        probes_made.append(len(probes))
        before = wrong
        for load, claimed in ((found.lower_bound, True), (found.upper_bound, False)):
            if load is not None:
                ends += 1
                wrong += (truth(load) > 0.5) != claimed
        brackets += wrong > before
    print(
        f"{world}, predicted {predicted}: {wrong / ends:.1%} of {ends} ends and {brackets / 1000:.1%} of the brackets "
        f"wrong, {np.mean(probes_made):.1f} probes each"
    )
    assert ends > 1900
    assert wrong / ends <= 0.05

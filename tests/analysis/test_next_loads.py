"""The search for what a deployment holds, against deployments whose limit is known, and with models that are wrong."""

import numpy as np
import pytest
from scipy import stats

from analysis.capacity.bracket import Bracket, Probe, bracket
from analysis.capacity.next_loads import FINE_ENOUGH, MOST_PROBES, next_loads, still_to_try

LOWEST, HIGHEST = 1, 20_000
BLOCKS = 5


def search(holds, first=50, **how):
    """The probes of a search, and how many rounds it took; each probe of a load asks `holds` anew."""
    probes, rounds = [], 0
    while loads := next_loads(probes, first, LOWEST, HIGHEST, **how):
        assert len(set(loads)) == len(loads)
        probes.extend(Probe(load, holds(load)) for load in loads)
        rounds += 1
        assert rounds <= MOST_PROBES
    return probes


@pytest.mark.parametrize("foretold", [None, 3.0, 60.0, 15_000.0])
@pytest.mark.parametrize("limit", [2, 7, 49, 50, 51, 333, 4000, 19_000])
@pytest.mark.parametrize("first", [1, 50, 20_000])
def test_the_limit_lies_in_the_bracket_whatever_a_model_foretells(limit, first, foretold):
    probes = search(lambda load: load <= limit, first, foretold=foretold)
    found = bracket(probes)
    assert found.certified <= limit < found.refuted
    assert found.refuted / found.certified <= FINE_ENOUGH or found.refuted - found.certified <= 1
    assert len(probes) <= 25


def test_a_model_that_is_right_saves_most_of_the_way():
    without, guided = (len(search(lambda load: load <= 4000, foretold=foretold)) for foretold in (None, 3900.0))
    assert (without, guided) == (11, 3)


def test_each_end_is_tried_in_each_of_so_many_blocks_and_no_other_load_twice():
    probes = search(lambda load: load <= 123, foretold=110.0, blocks=BLOCKS)
    times = {load: sum(probe.load == load for probe in probes) for load in {probe.load for probe in probes}}
    found = bracket(probes, BLOCKS)
    assert found.certified <= 123 < found.refuted
    assert {load for load, made in times.items() if made == BLOCKS} == {found.certified, found.refuted}
    assert all(made in (1, BLOCKS) for made in times.values())


def test_an_end_that_does_not_hold_again_is_given_up_for_a_smaller_one():
    answers = iter([True, False])
    probes = search(lambda load: next(answers, True) if load == 100 else load < 100, 100, foretold=100.0, blocks=BLOCKS)
    assert [probe.met for probe in probes if probe.load == 100].count(False) == 1
    found = bracket(probes, BLOCKS)
    assert found.certified < 100 < found.refuted


def test_what_holds_everything_is_certified_up_to_the_highest():
    assert bracket(search(lambda load: True)) == Bracket(HIGHEST, None)
    assert bracket(search(lambda load: True, foretold=3.0, blocks=BLOCKS), BLOCKS) == Bracket(HIGHEST, None)


def test_what_holds_nothing_is_refuted_down_to_the_lowest():
    assert bracket(search(lambda load: False)) == Bracket(None, LOWEST)
    assert bracket(search(lambda load: False, foretold=900.0, blocks=BLOCKS), BLOCKS) == Bracket(None, LOWEST)


def test_a_load_that_the_generator_could_not_make_is_not_passed_and_refutes_nothing():
    probes = search(lambda load: True if load < 100 else None, blocks=BLOCKS)
    found = bracket(probes, BLOCKS)
    assert found.refuted is None
    assert 100 / FINE_ENOUGH <= found.certified < 100
    unmade = [probe.load for probe in probes if probe.met is None]
    assert all(unmade.count(load) == 2 for load in unmade)


def test_one_run_that_cannot_be_believed_is_no_ceiling():
    answers = iter([None])
    found = bracket(search(lambda load: next(answers, load <= 4000), first=3000, foretold=4000.0))
    assert found.certified <= 4000 < found.refuted


def test_a_run_that_cannot_be_believed_is_made_up_for_where_others_of_its_load_can():
    answers = iter([True, None])
    probes = search(lambda load: next(answers, True) if load == 50 else load < 50, foretold=50.0, blocks=BLOCKS)
    assert [probe.met for probe in probes if probe.load == 50] == [True, None, True, True, True, True]


def test_how_many_loads_are_left_to_try_is_known_once_there_is_a_bracket():
    probes, left = [], []
    while loads := next_loads(probes, 50, LOWEST, HIGHEST, blocks=BLOCKS):
        left.append((still_to_try(probes, BLOCKS), len(probes)))
        probes.extend(Probe(load, load <= 333) for load in loads)
    assert [still + made for still, made in left][-4:] == [len(probes)] * 4
    assert all(still > 0 for still, _ in left)


def logistic(limit, spread):
    """The objective is met the less often the larger the load is; half of the time at the limit."""
    return lambda load: 1 / (1 + (load / limit) ** (1 / spread))


def with_hole(load):
    """Not monotone: from 60 to 90 it hardly ever holds, from there to 200 it does."""
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
@pytest.mark.parametrize("foretold", [None, 10.0, 95.0, 1000.0])
@pytest.mark.parametrize("world", WORLDS)
def test_what_is_said_of_both_ends_is_true_whatever_the_world_is_like(world, foretold):
    """A certified load holds in more than half of its runs, and a refuted one in fewer; wrong at most once in 20."""
    truth, random, wrong, ends, probes_made, brackets = WORLDS[world], np.random.default_rng(7), 0, 0, [], 0
    for _ in range(1000):
        probes = search(lambda load: random.random() < truth(load), first=30, foretold=foretold, blocks=BLOCKS)
        found = bracket(probes, BLOCKS)
        probes_made.append(len(probes))
        before = wrong
        for load, claimed in ((found.certified, True), (found.refuted, False)):
            if load is not None:
                ends += 1
                wrong += (truth(load) > 0.5) != claimed
        brackets += wrong > before
    print(
        f"{world}, foretold {foretold}: {wrong / ends:.1%} of {ends} ends and {brackets / 1000:.1%} of the brackets "
        f"wrong, {np.mean(probes_made):.1f} probes each"
    )
    assert ends > 1900
    assert wrong / ends <= 0.05

"""Which loads a search for capacity tries, with deployments whose limit is known."""

from collections import Counter

import pytest

from analysis.capacity.bracket import Probe, bracket
from loadgen import capacity_search
from loadgen.experiment import run_name
from loadgen.profiles import PROFILES, Search

SEARCHES = (Search("as-measured", "open", 8), Search("tuned", "open", 100), Search("tuned", "sustained", 100, most=150))
BLOCKS = 4  # of the plan, which come first
LIMITS = {("as-measured", "open"): 5, ("tuned", "open"): 333, ("tuned", "sustained"): 1000}


def tried(seed=1, limits=LIMITS, searches=SEARCHES):
    """The rounds, and the probes by search."""
    probes = {}

    def probe_of(order):
        family, load = order.scenario.split("-")
        probe = Probe(float(load), float(load) <= limits[order.deployment, family])
        probes.setdefault((order.deployment, family), []).append(probe)
        return probe

    return [one.orders for one in capacity_search.rounds(searches, "small", seed, BLOCKS, probe_of)], probes


def test_how_many_loads_are_to_come_is_known_once_there_is_a_bracket():
    made = list(
        capacity_search.rounds(
            SEARCHES[1:2], "small", 1, BLOCKS, lambda order: Probe(load := int(order.scenario[5:]), load <= 333)
        )
    )
    to_come = [len(made) - number for number in range(1, len(made) + 1)]
    assert [one.later for one in made][-3:] == to_come[-3:]
    assert all(one.later > 0 for one in made[:-1])


def test_each_search_ends_with_the_bracket_of_its_limit():
    _, probes = tried()
    for sought, limit in LIMITS.items():
        found = bracket(probes[sought])
        if sought == ("tuned", "sustained"):  # it may go no further than this
            assert (found.certified, found.refuted) == (150, None)
        else:
            assert found.certified <= limit < found.refuted


def test_a_round_tries_each_search_that_goes_on_once():
    rounds, probes = tried()
    made = Counter((order.deployment, order.scenario.split("-")[0]) for orders in rounds for order in orders)
    assert made == {sought: len(found) for sought, found in probes.items()}
    for number, orders in enumerate(rounds):
        assert [order.block for order in orders] == [BLOCKS + number] * len(orders)
        assert [order.position for order in orders] == list(range(len(orders)))
        assert len({(order.deployment, order.scenario.split("-")[0]) for order in orders}) == len(orders)


def test_the_same_seed_and_the_same_outcomes_make_the_same_rounds():
    assert tried(4)[0] == tried(4)[0]
    orders = {tuple((order.deployment, order.scenario) for order in tried(seed)[0][0]) for seed in range(10)}
    assert len(orders) > 1


def test_no_two_probes_share_a_folder():
    names = [run_name(order) for orders in tried()[0] for order in orders]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("profile", ["capacity", "what-if", "smoke"])
def test_what_a_profile_searches_can_be_run(profile):
    assert PROFILES[profile].searches
    limits = {(sought.deployment, sought.family): sought.first for sought in PROFILES[profile].searches}
    for orders in tried(limits=limits, searches=PROFILES[profile].searches)[0]:
        for order in orders:
            order.check()


def test_nothing_to_search_has_no_rounds():
    assert tried(searches=())[0] == []

"""The rounds of a capacity search, with deployments whose limit is known."""

from collections import Counter

import pytest

from analysis.capacity.bracket import Probe, bracket
from loadgen import capacity_search
from loadgen.profiles import PROFILES, Search
from loadgen.run_spec import run_name

SEARCHES = (Search("as-measured", "open", 8), Search("tuned", "open", 100), Search("tuned", "sustained", 100, most=150))
BLOCKS = 4  # of the plan, which come first
LIMITS = {("as-measured", "open"): 5, ("tuned", "open"): 333, ("tuned", "sustained"): 1000}


def tried(seed=1, limits=LIMITS, searches=SEARCHES):
    """The runs of each round, and the probes by deployment and family."""
    probes = {}

    def probe_of(spec):
        family, load = spec.scenario.split("-")
        probe = Probe(float(load), float(load) <= limits[spec.deployment, family])
        probes.setdefault((spec.deployment, family), []).append(probe)
        return probe

    return [round_.specs for round_ in capacity_search.rounds(searches, "small", seed, BLOCKS, probe_of)], probes


def test_rounds_know_how_many_runs_follow_once_there_is_a_bracket():
    rounds = list(
        capacity_search.rounds(
            SEARCHES[1:2], "small", 1, BLOCKS, lambda spec: Probe(load := int(spec.scenario[5:]), load <= 333)
        )
    )
    following = [len(rounds) - number for number in range(1, len(rounds) + 1)]
    assert [round_.later for round_ in rounds][-3:] == following[-3:]
    assert all(round_.later > 0 for round_ in rounds[:-1])


def test_rounds_end_with_the_bracket_of_each_limit():
    _, probes = tried()
    for searched, limit in LIMITS.items():
        result = bracket(probes[searched])
        if searched == ("tuned", "sustained"):  # the highest load of this search
            assert (result.lower_bound, result.upper_bound) == (150, None)
        else:
            assert result.lower_bound <= limit < result.upper_bound


def test_round_has_one_load_of_each_unfinished_search():
    rounds, probes = tried()
    runs = Counter((spec.deployment, spec.scenario.split("-")[0]) for specs in rounds for spec in specs)
    assert runs == {searched: len(tried) for searched, tried in probes.items()}
    for number, specs in enumerate(rounds):
        assert [spec.block for spec in specs] == [BLOCKS + number] * len(specs)
        assert [spec.position for spec in specs] == list(range(len(specs)))
        assert len({(spec.deployment, spec.scenario.split("-")[0]) for spec in specs}) == len(specs)


def test_rounds_of_the_same_seed_and_probes_are_the_same():
    assert tried(4)[0] == tried(4)[0]
    first_rounds = {tuple((spec.deployment, spec.scenario) for spec in tried(seed)[0][0]) for seed in range(10)}
    assert len(first_rounds) > 1


def test_probes_have_folders_of_their_own():
    names = [run_name(spec) for specs in tried()[0] for spec in specs]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("profile", ["capacity", "what-if", "smoke"])
def test_searches_of_a_profile_can_be_run(profile):
    assert PROFILES[profile].searches
    limits = {(search.deployment, search.family): search.first for search in PROFILES[profile].searches}
    for specs in tried(limits=limits, searches=PROFILES[profile].searches)[0]:
        for spec in specs:
            spec.check()


def test_rounds_without_a_search_are_none():
    assert tried(searches=())[0] == []

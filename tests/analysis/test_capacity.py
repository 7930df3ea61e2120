"""The search for what a deployment holds, against deployments whose limit is known."""

import pytest

from analysis.capacity import FINE_ENOUGH, Bracket, Probe, bracket, next_load

LOWEST, HIGHEST = 1, 20_000


def search(holds, first=50):
    probes = []
    while (load := next_load(probes, first, LOWEST, HIGHEST)) is not None:
        probes.append(Probe(load, holds(load)))
        assert len(probes) < 40
    return probes


@pytest.mark.parametrize("limit", [2, 7, 49, 50, 51, 333, 4000, 19_000])
@pytest.mark.parametrize("first", [1, 50, 20_000])
def test_the_limit_lies_in_the_bracket(limit, first):
    probes = search(lambda load: load <= limit, first)
    found = bracket(probes)
    assert found.certified <= limit < found.refuted
    assert found.is_fine or found.refuted - found.certified <= 1
    assert len(probes) <= 20


def test_no_load_is_tried_twice():
    loads = [probe.load for probe in search(lambda load: load <= 123)]
    assert len(set(loads)) == len(loads)


def test_what_holds_everything_is_certified_up_to_the_highest():
    assert bracket(search(lambda load: True)) == Bracket(HIGHEST, None)


def test_what_holds_nothing_is_refuted_down_to_the_lowest():
    assert bracket(search(lambda load: False)) == Bracket(None, LOWEST)


def test_a_load_that_holds_above_one_that_does_not_is_not_certified():
    probes = [Probe(10, True), Probe(20, False), Probe(30, True)]
    assert bracket(probes) == Bracket(10, 20)


def test_a_limit_that_moves_leaves_a_bracket_that_was_really_tried():
    """Each probe is judged by chance near the limit; the ends are loads that were tried, with these outcomes."""
    probes = search(lambda load: (load * 7919) % 100 < 50 if 80 < load < 160 else load <= 80)
    found = bracket(probes)
    assert Probe(found.certified, True) in probes
    assert Probe(found.refuted, False) in probes


def test_nothing_tried_gives_no_bracket():
    assert bracket([]) == Bracket(None, None)
    assert not Bracket(None, 5).is_fine
    assert Bracket(100, 100 * FINE_ENOUGH).is_fine

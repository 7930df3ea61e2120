"""The search for what a deployment holds, against deployments whose limit is known."""

import pytest

from analysis.capacity import FINE_ENOUGH, Bracket, Probe, bracket, found, next_load

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
    assert found.refuted / found.certified <= FINE_ENOUGH or found.refuted - found.certified <= 1
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


def test_a_load_that_the_generator_could_not_make_is_not_passed_and_refutes_nothing():
    probes = [Probe(50, True), Probe(100, None)]
    while (load := next_load(probes, 50, LOWEST, HIGHEST)) is not None:
        assert load < 100
        probes.append(Probe(load, True))
    found = bracket(probes)
    assert found.refuted is None
    assert 100 / FINE_ENOUGH <= found.certified < 100


def searched(made, *probes):
    """An experiment with these probes of tuned under open load, beside a run of its plan."""
    return made.experiment(made.run("tuned", "open-64"), probes=probes)


def test_what_a_search_found_is_read_from_its_probes(made):
    slow = made.run("tuned", "open-64", slower=200)
    failed = made.run("tuned", "open-32")
    failed.rows[-1] |= {"ok": False, "error": "status 500", "status": 500}
    empty = made.run("tuned", "open-2")
    empty.rows = [row | {"phase": "warmup"} for row in empty.rows]
    unsent = made.run("tuned", "open-16")
    unsent.record["generator"]["unsent"] = {"warmup": 0, "measure": 3}
    held, unbelieved = made.run("tuned", "open-8"), made.run("tuned", "open-4").invalid()
    (one,) = found(searched(made, held, slow, failed, unsent, unbelieved, empty))
    assert [(probe.load, probe.met) for probe in one.probes] == [
        (8, True), (64, False), (32, False), (16, False), (4, None), (2, None),
    ]  # fmt: skip
    said = {probe.load: probe.said for probe in one.probes}
    assert said[64].endswith("ms")
    assert "p95" in said[64]
    measured = [row for row in failed.rows if row["phase"] == "measure"]
    assert said[32] == f"1 of {len(measured)} requests failed"
    assert said[16] == "3 requests could not be sent"
    assert (one.bracket, one.at(8).load, one.at(7)) == (Bracket(8, 16), 8, None)


def test_an_experiment_without_a_search_found_nothing(made):
    assert found(made.experiment(made.run())) == []

"""Probes of a capacity search, and the bracket that they give."""

import pytest

from analysis.capacity.bracket import Bracket, Probe, bracket, by_load, capacity_results


def test_bracket_with_a_sustained_load_above_one_that_is_not_takes_the_smaller():
    probes = [Probe(10, True), Probe(20, False), Probe(30, True)]
    assert bracket(probes) == Bracket(10, 20)


def test_bracket_without_probes_has_no_bounds():
    assert bracket([]) == Bracket(None, None)


def test_bracket_has_no_mixed_load_as_bound():
    sustained, not_sustained = [Probe(10, True)] * 3, [Probe(40, False)] * 3
    mixed = [Probe(20, True), Probe(20, False), Probe(20, True)]
    assert bracket([*sustained, *mixed, *not_sustained], 3) == Bracket(10, 40)


def test_bracket_of_several_blocks_takes_as_many_probes_for_a_bound():
    probes = [*[Probe(10, True)] * 3, Probe(20, True), *[Probe(30, False)] * 2, *[Probe(40, False)] * 3]
    assert bracket(probes, 3) == Bracket(10, 40)
    assert bracket(probes, 1) == Bracket(20, 30)


def test_by_load_counts_invalid_runs_apart():
    (load,) = by_load([Probe(10, True), Probe(10, None), Probe(10, True)])
    assert (load.sustained, load.valid, load.invalid, load.is_measurable) == (2, 2, 1, True)


def searched(builder, *probes):
    """An experiment with a run of its plan, and these probes of `tuned` under open load."""
    return builder.experiment(builder.run("tuned", "open-64"), probes=probes)


def test_capacity_results_are_read_from_the_probes(builder):
    slow = builder.run("tuned", "open-64", slower=200)
    failed = builder.run("tuned", "open-32")
    failed.rows[-1] |= {"ok": False, "error": "status 500", "status": 500}
    empty = builder.run("tuned", "open-2")
    empty.rows = [row | {"phase": "warmup"} for row in empty.rows]
    dropped = builder.run("tuned", "open-16")
    dropped.record["generator"]["dropped"] = {"warmup": 3, "measure": 0}
    sustained, invalid = builder.run("tuned", "open-8"), builder.run("tuned", "open-4").invalid()
    (result,) = capacity_results(searched(builder, sustained, slow, failed, dropped, invalid, empty))
    assert [(probe.load, probe.sustained) for probe in result.probes] == [
        (8, True), (64, False), (32, False), (16, False), (4, None), (2, None),
    ]  # fmt: skip
    reasons = {probe.load: probe.reason for probe in result.probes}
    assert reasons[64].endswith("ms")
    assert "p95" in reasons[64]
    measured = [row for row in failed.rows if row["phase"] == "measure"]
    assert reasons[32] == f"1 of {len(measured)} requests failed"
    assert reasons[16] == "3 arrivals were dropped"
    assert (result.bracket, [probe.load for probe in result.probes_at(8)], result.probes_at(7)) == (
        Bracket(8, 16),
        [8],
        [],
    )


def test_a_probe_that_was_stopped_by_hand_is_an_invalid_one(builder):
    stopped = builder.run("tuned", "open-8").stopped_by_hand()
    (result,) = capacity_results(searched(builder, stopped, builder.run("tuned", "open-4").aborted()))
    assert [(probe.load, probe.sustained, probe.reason) for probe in result.probes] == [(8, None, "stopped by hand")]


def test_capacity_results_without_a_search_are_none(builder):
    assert capacity_results(builder.experiment(builder.run())) == []


@pytest.mark.parametrize(
    ("bracket", "text", "bounds"),
    [
        (Bracket(749.0, 1068.0), "749–1,068", ("749", "1,068")),
        (Bracket(None, 8.0), "?–8", ("none", "8")),
        (Bracket(8.0, None), "8–?", ("8", "none")),
    ],
)
def test_bracket_as_text_has_both_bounds(bracket, text, bounds):
    assert str(bracket) == text
    assert (bracket.lower_text, bracket.upper_text) == bounds

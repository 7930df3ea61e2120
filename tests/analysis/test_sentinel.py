"""Sentinels of a capacity search: the blocks that a changed machine makes void."""

import pytest

from analysis.capacity.bracket import VOID, Bracket, capacity_results
from analysis.capacity.sentinel import Sentinel, ended_s, void_blocks
from workbench.arms import TUNED

SENTINEL = {"deployment": TUNED, "scenario": "burst-25"}


def sentinels(*durations_s):
    """One before block 1, and one after each block."""
    return [Sentinel(block, duration_s) for block, duration_s in enumerate(durations_s)]


@pytest.mark.parametrize(
    ("durations_s", "void"),
    [
        ((1.0, 1.1, 0.9, 1.2), set()),
        ((1.0, 1.0, 1.5, 1.0, 1.0), {2, 3}),
        ((2.0, 1.0, 1.0, 1.0), {0, 1}),
        ((1.0, 0.7, 1.0, 1.0), {1, 2}),
        ((1.0, None, 1.0, 1.0), {1, 2}),
        ((1.0, 2.0), set()),
        ((), set()),
    ],
)
def test_void_blocks_lie_beside_a_sentinel_that_changed(durations_s, void):
    assert void_blocks(sentinels(*durations_s)) == void


def test_blocks_are_void_once_later_sentinels_show_that_the_first_ones_were_slow():
    slow_first = sentinels(2.0, 2.0, 2.0, 1.0, 1.0)
    assert void_blocks(slow_first[:4]) == {3, 4}
    assert void_blocks([*slow_first, *sentinels(1.0, 1.0)]) >= {0, 1, 2}


def with_sentinels(builder, *slower):
    """A search whose only load, open-8, is sustained in each block; `slower` are the times of its sentinels."""
    probes = []
    for number, factor in enumerate(slower):
        block = max(number, 1)
        sentinel = builder.run(TUNED, SENTINEL["scenario"], block=block, slower=factor)
        probes += [] if number == 0 else [builder.run(TUNED, "open-8", block=block)]
        probes.append(sentinel)
    return builder.experiment(probes=probes, searches=[{"deployment": TUNED, "family": "open"}], sentinel=SENTINEL)


def test_capacity_result_does_not_count_the_probes_of_a_void_block(builder):
    (result,) = capacity_results(with_sentinels(builder, 1, 1, 1, 2, 1, 1))
    assert [(probe.block, probe.sustained) for probe in result.probes] == [
        (1, True), (2, True), (3, None), (4, None), (5, True),
    ]  # fmt: skip
    assert {probe.reason for probe in result.probes if probe.sustained is None} == {VOID}
    assert result.bracket == Bracket(8, None)


def test_sentinel_with_a_failure_makes_its_blocks_void(builder):
    experiment = with_sentinels(builder, 1, 1, 1, 1, 1)
    sentinel = next(run for run in experiment.runs if run.scenario == SENTINEL["scenario"] and run.block == 2)
    assert Sentinel.from_run(sentinel).duration_s is not None
    sentinel.record["valid"] = False
    assert Sentinel.from_run(sentinel).duration_s is None
    (result,) = capacity_results(experiment)
    assert [probe.block for probe in result.probes if probe.sustained is None] == [2, 3]


def test_sentinel_that_was_stopped_by_hand_makes_its_blocks_void(builder):
    experiment = with_sentinels(builder, 1, 1, 1, 1, 1)
    sentinel = next(run for run in experiment.runs if run.scenario == SENTINEL["scenario"] and run.block == 2)
    sentinel.record.update(status="aborted", valid=False, stopped_by_hand=True)
    (result,) = capacity_results(experiment)
    assert [probe.block for probe in result.probes if probe.sustained is None] == [2, 3]


def test_end_of_a_run_without_a_time_is_zero(builder):
    experiment = builder.experiment(builder.run())
    assert ended_s(experiment.runs[0]) == 1767225660  # 2026-01-01T00:01:00Z
    for ended in (None, "soon"):
        experiment.runs[0].record["ended"] = ended
        assert ended_s(experiment.runs[0]) == 0

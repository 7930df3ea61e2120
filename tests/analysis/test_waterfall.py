"""The waterfall from one set-up to another: parts that add up, intervals by hand, and what has none."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.waterfall import LATENCY, waterfall
from tests.builders import Builder
from workbench.aggregates import SPLIT
from workbench.arms import BASELINE, BURST_50, TUNED

SPREAD = (1.0, 1.1, 0.9, 1.05)


def runs_of(builder, deployment, spread=SPREAD, **more):
    return [builder.run(deployment, block=block, slower=slower, **more) for block, slower in enumerate(spread)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Four blocks of both set-ups, whose runs differ from block to block, each in its own way."""
    builder = Builder(tmp_path_factory.mktemp("waterfall"))
    return builder.experiment(*runs_of(builder, BASELINE), *runs_of(builder, TUNED, SPREAD[::-1]))


def block_means_ms(experiment, deployment, column):
    """The mean of a column over the rows of each block."""
    return np.array([run.measured[column].mean() for run in experiment.find(deployment, BURST_50)])


def test_the_parts_add_up_to_the_latency_before_after_and_in_between(recorded):
    changes = waterfall(recorded, BASELINE, TUNED, BURST_50)
    assert list(changes) == [*SPLIT, LATENCY]
    for column in ("before_ms", "after_ms", "change_ms"):
        parts = sum(getattr(changes[part], column) for part in SPLIT)
        assert parts == pytest.approx(getattr(changes[LATENCY], column), rel=1e-9)
    assert changes[LATENCY].before_ms == pytest.approx(block_means_ms(recorded, BASELINE, "latency_ms").mean())
    assert changes[LATENCY].after_ms == pytest.approx(block_means_ms(recorded, TUNED, "latency_ms").mean())
    assert all(change.change_ms == pytest.approx(change.after_ms - change.before_ms) for change in changes.values())


@pytest.mark.parametrize("part", ["queue", "hash", LATENCY])
def test_the_interval_is_that_of_the_paired_differences(recorded, part):
    differences = block_means_ms(recorded, TUNED, f"{part}_ms") - block_means_ms(recorded, BASELINE, f"{part}_ms")
    half_width = stats.t.ppf(0.975, 3) * differences.std(ddof=1) / 2
    change = waterfall(recorded, BASELINE, TUNED, BURST_50)[part]
    assert change.interval == pytest.approx((differences.mean() - half_width, differences.mean() + half_width))
    assert change.blocks == 4


def test_below_four_blocks_there_is_no_interval(builder):
    experiment = builder.experiment(*runs_of(builder, BASELINE, SPREAD[:3]), *runs_of(builder, TUNED, SPREAD[:3]))
    changes = waterfall(experiment, BASELINE, TUNED, BURST_50)
    assert {change.interval for change in changes.values()} == {None}
    assert {change.blocks for change in changes.values()} == {3}
    assert math.isnan(changes["queue"].low_ms)
    assert changes["queue"].change_ms < 0


def test_a_part_that_one_side_did_not_measure_gives_no_waterfall(builder):
    runs = [builder.run(), builder.run(TUNED)]
    for row in runs[1].rows:
        row["pool_us"] = None
    assert waterfall(builder.experiment(*runs), BASELINE, TUNED, BURST_50) == {}


def test_without_a_common_block_there_is_no_waterfall(builder):
    assert waterfall(builder.experiment(builder.run(), builder.run(TUNED, block=1)), BASELINE, TUNED, BURST_50) == {}
    alone = builder.experiment(builder.run(), name="alone")
    assert waterfall(alone, BASELINE, TUNED, BURST_50) == {}


def test_only_blocks_that_both_have_are_compared(builder):
    runs = [builder.run(), builder.run(block=1, slower=9), builder.run(TUNED)]
    change = waterfall(builder.experiment(*runs), BASELINE, TUNED, BURST_50)[LATENCY]
    only = waterfall(builder.experiment(builder.run(), builder.run(TUNED), name="only"), BASELINE, TUNED, BURST_50)
    assert change[0] == only[LATENCY][0]
    assert change[1:4] == pytest.approx(only[LATENCY][1:4], rel=1e-12)
    assert change.blocks == 1


def test_failed_responses_and_invalid_runs_do_not_count(builder):
    failing, slow = builder.run(TUNED), builder.run(block=1, slower=5).invalid()
    for row in failing.rows_of("search"):
        row |= {"ok": False, "latency_us": 10**9, "queue_us": 10**9}
    experiment = builder.experiment(builder.run(), failing, slow, builder.run(TUNED, block=1))
    change = waterfall(experiment, BASELINE, TUNED, BURST_50)[LATENCY]
    successes = experiment.find(TUNED, BURST_50)[0].measured.query("ok")["latency_ms"]
    assert (change.blocks, change.after_ms) == (1, pytest.approx(successes.mean()))


def test_two_runs_in_a_block_count_as_their_mean(builder):
    runs = [builder.run(), builder.run(replicate=True, slower=2), builder.run(TUNED)]
    experiment = builder.experiment(*runs)
    means_ms = [run.measured["latency_ms"].mean() for run in experiment.find(BASELINE, BURST_50)]
    assert len(means_ms) == 2
    change = waterfall(experiment, BASELINE, TUNED, BURST_50)[LATENCY]
    assert change.before_ms == pytest.approx(sum(means_ms) / 2)

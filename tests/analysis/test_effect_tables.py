"""Tables of effects from the metrics of runs: which runs enter the standard errors."""

import numpy as np
import pandas as pd
import pytest

from analysis.effect_tables import Change, evaluate_tables, measured_tables
from analysis.metrics.effect_metrics import EFFECT_METRICS
from workbench.arms import READS, TUNED

CHANGES = [Change(name, f"tuned-without-{name}", TUNED) for name in ("argon2", "cache", "index", "pool")]
COUNTS = 1_000_000  # behind each value: the resolution of counts does not matter


def metrics(changes=CHANGES, blocks=4, replicates=(False, True)):
    """The metrics of drawn runs, the same value for each; arms do not differ but by chance."""
    random = np.random.default_rng(7)
    rows = [
        {"deployment": name, "block": block, "replicate": replicate, "value": speed * random.lognormal(0, 0.05)}
        for block, speed in enumerate(random.lognormal(0, 0.1, blocks))
        for name, replicate in [
            *((TUNED, replicate) for replicate in replicates),
            *((change.before, False) for change in changes),
        ]
    ]
    frame = pd.DataFrame(rows).assign(scenario=READS, requests=COUNTS, successful=COUNTS, omitted=0)
    values = {metric.column: frame["value"] for metric in EFFECT_METRICS}
    counts = {metric.counts: COUNTS for metric in EFFECT_METRICS if metric.counts}
    return frame.assign(**values, **counts).drop(columns="value")


def duration_of(by_run, changes=CHANGES):
    tables = measured_tables(by_run, TUNED, changes, READS)
    return next(table for table in tables if table.metric.column == "makespan_s")


def pair_of(by_run, name):
    """The comparison of one change where its table has no other arm: that of its pairs."""
    return duration_of(by_run, [change for change in CHANGES if change.name == name]).comparisons[name]


def test_arms_of_a_table_share_the_degrees_of_freedom_of_their_blocks():
    by_run = metrics()
    for name, comparison in duration_of(by_run).comparisons.items():
        pair = pair_of(by_run, name)
        assert (comparison.mean, comparison.blocks) == (pair.mean, pair.blocks)
        assert comparison.std_error >= pair.std_error
        assert comparison.df > pair.df == 3


def test_an_arm_of_fewer_than_four_blocks_changes_no_other_comparison():
    by_run = metrics()
    few = by_run[(by_run["deployment"] != "tuned-without-pool") | (by_run["block"] < 3)]
    without = by_run[by_run["deployment"] != "tuned-without-pool"]
    compared, expected = (duration_of(each).comparisons for each in (few, without))
    assert compared.pop("pool").blocks == 3
    assert compared == expected


@pytest.mark.parametrize("value", [0.0, np.inf])
def test_an_arm_without_a_logarithm_changes_no_other_comparison(value):
    by_run = metrics()
    is_hit = (by_run["deployment"] == "tuned-without-pool") & (by_run["block"] == 1)
    broken = by_run.assign(makespan_s=by_run["makespan_s"].mask(is_hit, value))
    table = duration_of(broken)
    assert set(table.degenerate) == {"pool"}
    assert table.comparisons == duration_of(by_run[by_run["deployment"] != "tuned-without-pool"]).comparisons


def test_a_missing_run_leaves_its_block_to_the_other_arms():
    by_run = metrics(blocks=5)
    is_missing = (by_run["deployment"] == "tuned-without-pool") & (by_run["block"] == 2)
    compared = duration_of(by_run[~is_missing]).comparisons
    assert {name: each.blocks for name, each in compared.items()} == {"argon2": 5, "cache": 5, "index": 5, "pool": 4}
    assert all(each.df > each.blocks - 1 for each in compared.values())


def test_without_replicates_of_the_baseline_the_pairs_decide():
    by_run = metrics(replicates=(False,))
    assert duration_of(by_run).comparisons == {change.name: pair_of(by_run, change.name) for change in CHANGES}


def test_power_follows_from_the_shared_standard_error():
    by_run = metrics()
    tables = measured_tables(by_run, TUNED, CHANGES, READS)
    (evaluated,) = (each for each in evaluate_tables(tables) if each.metric.column == "makespan_s")
    for effect in evaluated.effects:
        comparison = duration_of(by_run).comparisons[effect.name]
        assert (effect.power.std_error, effect.power.df) == (comparison.std_error, comparison.df)

"""Improvements where requests fail: the rule on known counts, and how often it errs in simulated experiments."""

import numpy as np
import pandas as pd
import pytest

from analysis import ablation
from analysis.effect_tables import evaluate_tables, measured_tables
from analysis.metrics.effect_metrics import EFFECT_METRICS, metrics_by_run
from analysis.stats import hypothesis, noninferiority
from analysis.stats.hypothesis import Effect
from tests.analysis import simulated_failures
from tests.analysis.simulated_failures import at_random, experiments, nothing, slowest
from workbench.arms import BASELINE, TUNED

EXPERIMENTS = 200
COLUMNS = ("mean_ms", "reads_p95_ms")


def counts(failed, requests=1000):
    """Failures of each block, as `failure_counts` returns them."""
    return pd.DataFrame({"failed": failed, "requests": [requests] * len(failed)})


def test_failure_counts_are_by_block_and_omitted_requests_are_failures():
    by_run = pd.DataFrame(
        {"block": [0, 0, 1], "requests": [10, 20, 30], "successful": [9, 20, 25], "omitted": [0, 5, 0]}
    )
    assert noninferiority.failure_counts(by_run).to_dict("list") == {"failed": [6, 5], "requests": [35, 30]}


@pytest.mark.parametrize(
    ("before", "after", "stands"),
    [
        ([0] * 4, [0] * 4, True),
        ([150] * 4, [150] * 4, True),
        ([9, 11, 10, 10], [1, 0, 2, 0], True),
        ([0] * 4, [1, 0, 0, 0], True),  # one of 4,000
        ([20, 24, 18, 22], [21, 23, 20, 20], True),
        ([0] * 4, [1] * 4, False),  # in every block one
        ([0] * 4, [150, 140, 160, 150], False),
        ([20, 24, 18, 22], [60, 0, 90, 0], False),  # by chance perhaps, but not small
        ([0] * 3, [1, 0, 0], False),  # too few blocks to tell chance
        ([10] * 3, [10] * 3, True),
    ],
)
@pytest.mark.parametrize("is_paired", [True, False])
def test_improvement_stands_only_without_more_failures(before, after, stands, is_paired):
    reason = noninferiority.more_failures(counts(before), counts(after), is_paired=is_paired)
    assert (reason == "") == stands
    if not stands:
        share = sum(after) / (1000 * len(after))
        assert reason.startswith(f"{share:.1%} of the requests were not successful, instead of ")


@pytest.mark.parametrize("is_paired", [True, False])
def test_no_improvement_stands_without_any_success(is_paired):
    reason = noninferiority.more_failures(counts([1000] * 4), counts([1000] * 4), is_paired=is_paired)
    assert reason == "none of the requests was successful"


def test_paired_sides_are_compared_in_the_blocks_that_both_have():
    before, after = counts([0, 0, 0, 0, 500]), counts([100, 100, 100, 100])
    assert noninferiority.more_failures(before, after, is_paired=True)
    assert not noninferiority.more_failures(before, after.iloc[:0], is_paired=True)


@pytest.mark.parametrize("verdict", ["improvement", "regression", "equivalent", "inconclusive"])
def test_only_an_improvement_loses_its_verdict(verdict):
    effect = Effect("cache", 0.5, 4, verdict, 0.4, 0.6)
    (changed,) = noninferiority.without_failing([effect], {"cache": "more failed"})
    assert changed.verdict == ("inconclusive" if verdict == "improvement" else verdict)
    assert changed.reason == ("more failed" if verdict == "improvement" else "")
    assert noninferiority.without_failing([effect], {"cache": "", "pool": "more failed"}) == [effect]


def verdicts(experiment):
    """The verdicts on each metric of `COLUMNS` in the simulated experiments."""
    change = [ablation.Change("tuned", BASELINE, TUNED)]
    metrics = [metric for metric in EFFECT_METRICS if metric.column in COLUMNS]
    by_run = metrics_by_run(experiment)
    tables = [
        evaluate_tables(measured_tables(by_run, BASELINE, change, scenario, metrics))
        for scenario in experiment.by_run["scenario"].unique()
    ]
    return {
        column: [table.effects[0].verdict for each in tables for table in each if table.metric.column == column]
        for column in COLUMNS
    }


# What fails before and after the change, which has no other effect, and whether it fails at once.
WORLDS = {
    "15 % fail at once": (nothing, at_random(0.15), True),
    "the slowest 2 % time out": (nothing, slowest(0.02), False),
    "15 % fail at once on both sides": (at_random(0.15), at_random(0.15), True),
}


@pytest.mark.simulated
@pytest.mark.parametrize("world", WORLDS)
def test_failures_make_no_improvement_of_latency(world):
    before, after, at_once = WORLDS[world]
    experiment = experiments(np.random.default_rng(20261128), EXPERIMENTS, before, after, at_once=at_once)
    for column, result in verdicts(experiment).items():
        improved = result.count("improvement")
        print(f"{world}: {column} an improvement in {improved} of {len(result)}")
        assert len(result) == EXPERIMENTS
        assert improved <= 10  # 2.5 % are nominal, 5; more than 10 of 200 have a probability of 1.3 %


@pytest.mark.simulated
def test_a_true_improvement_is_found_where_fewer_requests_fail():
    random = np.random.default_rng(20261128)
    result = verdicts(experiments(random, EXPERIMENTS, at_random(0.15), nothing, speed=0.6))["mean_ms"]
    share = result.count("improvement") / EXPERIMENTS
    print(f"15 % fail before the change and none after it, 40 % faster: found in {share:.1%}")
    assert share >= 0.60  # of the two metrics together, after Holm's correction


@pytest.mark.simulated
def test_latencies_of_all_requests_would_be_an_improvement():
    """The negative control: the mean over all requests, failures included, without the rule."""
    random = np.random.default_rng(20261128)
    by_run = experiments(random, EXPERIMENTS, nothing, at_random(0.15)).by_run
    logs = np.log(by_run.pivot_table("all_mean_ms", ["scenario", "block"], "deployment"))
    differences = (logs[TUNED] - logs[BASELINE]).to_numpy().reshape(EXPERIMENTS, simulated_failures.BLOCKS)
    effects = [
        hypothesis.evaluate({"tuned": hypothesis.paired(row)}, equivalence_margin=0.10)[0] for row in differences
    ]
    improved = sum(effect.verdict == "improvement" for effect in effects)
    print(f"15 % fail at once, mean of all requests: an improvement in {improved} of {EXPERIMENTS}")
    assert improved > 20

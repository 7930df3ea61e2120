"""What the published report says independently of its machine, compared with one more run of the same setup."""

import math

import numpy as np
import pytest

from analysis.findings import published_ratios, published_report
from analysis.stats.confidence import Estimate, log_mean_ci, one_more_run
from analysis.stats.hypothesis import ComparisonTable, against_one_run, evaluate_family

BURST_25, BURST_50 = "burst-25", "burst-50"


def by_id(experiment):
    return {finding.id: finding for finding in published_ratios.findings(experiment)}


@pytest.fixture
def four_blocks(builder):
    """Bursts of 25 and 50 on as-measured in four blocks that differ by 1 %."""
    slower = enumerate((1.0, 1.01, 0.99, 1.0))
    return builder.experiment(
        *(builder.run(scenario=name, block=n, slower=s) for n, s in slower for name in (BURST_25, BURST_50))
    )


def test_findings_have_success_ratios_between_endpoints_and_growth(four_blocks):
    findings = by_id(four_blocks)
    mean_ms = {(row.users, row.endpoint): row.mean_ms for row in published_report.rows("load")}
    assert findings["published-burst-50-search-to-login"].bound == mean_ms[50, "search"] / mean_ms[50, "login"]
    assert findings["published-growth-search"].bound == mean_ms[50, "search"] / mean_ms[25, "search"]
    assert findings["published-growth-search"].n == 4
    assert findings["published-burst-25-success_ratio"].bound == 1
    assert len(findings) == 2 * (2 + 3 + 2) + 3


def test_success_without_failures_is_reproduced(four_blocks):
    finding = by_id(four_blocks)["published-burst-50-login-success_ratio"]
    assert (finding.verdict, finding.effect) == ("reproduced", 1)
    assert finding.evidence.endswith("–100.0%")


@pytest.mark.parametrize("failing", [15, 50])
def test_success_with_failures_in_all_blocks_is_not_reproduced(builder, failing):
    runs = [builder.run(block=block) for block in range(4)]
    for run in runs:
        for row in run.rows_of("login")[:failing]:
            row["ok"] = False
    finding = by_id(builder.experiment(*runs))["published-burst-50-login-success_ratio"]
    assert finding.verdict == "not reproduced"
    assert finding.effect == pytest.approx(max(50 - failing, 0.5) / 50)


def test_endpoints_in_another_proportion_are_not_reproduced_however_fast_the_machine_is(builder):
    runs = [builder.run(block=block, slower=slower) for block, slower in enumerate((0.10, 0.11, 0.10, 0.09))]
    finding = by_id(builder.experiment(*runs))["published-burst-50-search-to-login"]
    assert finding.effect != pytest.approx(1, abs=0.1)
    assert finding.verdict == "not reproduced"


def test_below_four_blocks_a_ratio_is_inconclusive_and_without_a_run_not_measured(builder):
    findings = by_id(builder.experiment(builder.run()))
    assert findings["published-burst-50-search-to-login"].verdict == "inconclusive"
    assert findings["published-growth-search"].verdict == "not measured"
    assert findings["published-burst-25-requests"].evidence == "no valid run of burst-25 on as-measured"


@pytest.mark.simulated
@pytest.mark.parametrize(("blocks", "runs_a_block"), [(4, 1), (4, 2), (6, 2), (10, 1)])
def test_a_published_run_of_the_same_setup_is_seldom_called_another_one(blocks, runs_a_block):
    """Seventeen published values from one run; the blocks of ours are means of `runs_a_block` runs."""
    random, alarms, inside, experiments, values = np.random.default_rng(5), 0, 0, 1000, 17
    for _ in range(experiments):
        own = random.normal(0.0, 0.1, (values, blocks, runs_a_block)).mean(axis=2)
        published = random.normal(0.0, 0.1, values)
        comparisons = {
            str(n): against_one_run(own[n] - published[n], runs_a_block, resolution=0.0) for n in range(values)
        }
        (effects,) = evaluate_family([ComparisonTable(comparisons, published_ratios.EQUIVALENCE_MARGIN)])
        alarms += any(effect.verdict in ("improvement", "regression") for effect in effects)
        interval = one_more_run(log_mean_ci(np.exp(own[0])), runs_a_block)
        inside += interval.low <= math.exp(published[0]) <= interval.high
    print(
        f"{blocks} blocks of {runs_a_block} runs: {alarms / experiments:.1%} of {experiments} reports call one of "
        f"{values} values not reproduced; the interval of one more run has {inside / experiments:.1%} of them"
    )
    assert alarms / experiments <= 0.06
    assert inside / experiments >= 0.935


def test_one_more_run_of_an_estimate_without_interval_has_none():
    assert one_more_run(Estimate(2.0, 3), 1) == Estimate(2.0, 3)

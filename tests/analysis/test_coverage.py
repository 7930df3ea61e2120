"""Whether intervals cover the truth and verdicts are right, over many simulated experiments.

Each test prints its figure: `pytest -m simulated -rP` shows them.
"""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats import confidence, hypothesis
from tests.analysis import simulated

pytestmark = pytest.mark.simulated

EXPERIMENTS = 2000
BLOCKS, REQUESTS = 6, 1000
DRIFT, SPREAD = 0.10, 0.05  # standard deviations of logarithms: of the machine's speed by block, and of each run


@pytest.fixture
def random():
    return np.random.default_rng(20261127)


def covered(random, blocks, utilisation, share, experiments=EXPERIMENTS):
    """The share of experiments in which the interval of a percentile has the true one."""
    truth = simulated.percentile(utilisation, share)
    taken = simulated.responses(random, (experiments, blocks), REQUESTS, utilisation)
    by_block = np.quantile(taken, share, axis=-1)
    pooled = np.quantile(taken.reshape(experiments, -1), share, axis=-1)
    intervals = [confidence.log_mean_ci(*pair) for pair in zip(by_block, pooled.tolist(), strict=True)]
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


@pytest.mark.parametrize("share", [0.50, 0.95, 0.99])
@pytest.mark.parametrize("blocks", [4, 6, 10])
def test_percentiles_by_sectioning_cover_the_true_one(random, blocks, share):
    coverage = covered(random, blocks, 0.5, share)
    print(f"p{100 * share:g}, {blocks} blocks, utilisation 0.5: coverage {coverage:.1%}")
    assert coverage >= 0.90


def test_the_coverage_at_high_dependence_is_stated(random):
    """A thousand requests are then hardly more than a few long busy times, and a high percentile of them is biased."""
    for share in (0.50, 0.95, 0.99):
        coverage = covered(random, BLOCKS, 0.9, share)
        print(f"p{100 * share:g}, {BLOCKS} blocks, utilisation 0.9: coverage {coverage:.1%}")
        assert coverage >= 0.70


def test_requests_taken_as_independent_do_not_cover(random):
    """The negative control: the binomial interval of a percentile of all requests of an experiment together."""
    truth, hits = simulated.percentile(0.8, 0.95), 0
    for taken in simulated.responses(random, (EXPERIMENTS,), BLOCKS * REQUESTS, 0.8):
        low, high = stats.binom.ppf([0.025, 0.975], taken.size, 0.95).astype(int)
        ordered = np.sort(taken)
        hits += ordered[low] <= truth <= ordered[high]
    print(f"p95, requests taken as independent, utilisation 0.8: coverage {hits / EXPERIMENTS:.1%}")
    assert hits / EXPERIMENTS < 0.60


def test_shares_of_failures_are_covered_also_where_they_come_together(random):
    """Every request of a bad spell fails; the spells of a block are as many as chance makes them."""
    truth, hits = 0.02, 0
    for _ in range(EXPERIMENTS):
        failed = np.minimum(random.poisson(truth * REQUESTS / 10, 10) * 10, REQUESTS)
        found = confidence.proportion_ci(failed, [REQUESTS] * 10)
        hits += found.low <= truth <= found.high
    print(f"failures in spells of ten, 10 blocks: coverage {hits / EXPERIMENTS:.1%}")
    assert hits / EXPERIMENTS >= 0.90


def log_ratios(random, experiments, worth=0.0, blocks=BLOCKS, utilisation=0.5):
    """By experiment and block: the log ratio of the p95 of two arms that had the same drift."""
    drift = np.exp(random.normal(0.0, DRIFT, (experiments, blocks, 1)))
    own = np.exp(random.normal(0.0, SPREAD, (experiments, blocks, 2)) + np.array([0.0, worth]))
    taken = simulated.responses(random, (experiments, blocks, 2), REQUESTS, utilisation, drift * own)
    p95 = np.log(np.quantile(taken, 0.95, axis=-1))
    return p95[..., 1] - p95[..., 0], taken


def verdicts(experiments, margin):
    """Evaluate an array (experiment × comparison × block) of log ratios, one table an experiment.

    Returns an array (experiment × comparison) of verdicts. The figures for planning, which take nine tenths of the time
    and which no verdict depends on, are left out.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hypothesis, "minimum_detectable_log_ratio", lambda *_: 0.0)
        patch.setattr(hypothesis, "blocks_required", lambda *_: None)
        tables = [
            hypothesis.evaluate(
                {str(n): hypothesis.paired(row) for n, row in enumerate(rows)}, equivalence_margin=margin
            )
            for rows in experiments
        ]
    return np.array([[effect.verdict for effect in table] for table in tables])


def share_of(verdict, log_ratios, margin):
    """Share of experiments (rows of log ratios) whose only comparison gets the verdict."""
    return np.mean(verdicts(log_ratios[:, np.newaxis], margin) == verdict)


ALARMS = ("improvement", "regression")


def test_two_runs_of_the_same_are_seldom_called_different(random):
    ratios, _ = log_ratios(random, EXPERIMENTS)
    alarms = sum(share_of(verdict, ratios, margin=0.10) for verdict in ALARMS)
    print(f"A/A, {BLOCKS} blocks: false alarms {alarms:.1%}")
    assert alarms <= 0.06


def test_the_naive_test_of_raw_requests_calls_them_different(random):
    _, taken = log_ratios(random, 300)
    p = [stats.mannwhitneyu(*np.moveaxis(experiment, 1, 0).reshape(2, -1)).pvalue for experiment in taken]
    alarms = np.mean(np.array(p) < 0.05)
    print(f"A/A, Mann–Whitney on raw requests: false alarms {alarms:.1%}")
    assert alarms > 0.20


def test_a_table_of_eight_has_a_false_alarm_as_seldom_as_one_comparison(random):
    noise = random.normal(0.0, SPREAD, (EXPERIMENTS, 8, BLOCKS))
    alarms = np.isin(verdicts(noise, margin=0.01), ALARMS).any(axis=1).mean()
    print(f"tables of 8 comparisons without an effect: false alarms {alarms:.1%}")
    assert alarms <= 0.06


@pytest.mark.parametrize("blocks", [4, 6, 10])
def test_the_detectable_effect_is_found_as_often_as_it_says(random, blocks):
    known = hypothesis.Comparison(0.0, SPREAD / math.sqrt(blocks), blocks - 1, blocks)
    effect = hypothesis.minimum_detectable_log_ratio(known, 0.05)
    noise = random.normal(-effect, SPREAD, (4000, blocks))
    found = share_of("improvement", noise, margin=0.001)
    stated = f"by the formula {hypothesis.POWER:.0%}"
    print(f"{blocks} blocks, effect of {math.expm1(effect):.1%}: found in {found:.1%}, {stated}")
    assert found == pytest.approx(hypothesis.POWER, abs=3 * math.sqrt(0.8 * 0.2 / 4000))


@pytest.mark.parametrize("blocks", [4, 6])
def test_in_a_table_of_eight_it_is_found_as_often_too(random, blocks):
    """The level is that of the first step, as seven of the eight are without an effect."""
    known = hypothesis.Comparison(0.0, SPREAD / math.sqrt(blocks), blocks - 1, blocks)
    effect = hypothesis.minimum_detectable_log_ratio(known, 0.05 / 8)
    noise = random.normal(0.0, SPREAD, (EXPERIMENTS, 8, blocks))
    noise[:, 0] -= effect
    found = np.mean(verdicts(noise, margin=0.001)[:, 0] == "improvement")
    print(f"one of 8 has an effect of {math.expm1(effect):.1%}, {blocks} blocks: found in {found:.1%}")
    assert found == pytest.approx(hypothesis.POWER, abs=0.04)


@pytest.mark.parametrize("size", [0.05, 0.10, 0.20])
def test_power_is_as_the_formula_says(random, size):
    noise = random.normal(size, 0.10, (4000, BLOCKS))
    found = share_of("regression", noise, margin=0.001)
    wanted = hypothesis.power(size, 0.10 / math.sqrt(BLOCKS), BLOCKS - 1, 0.05)
    print(f"log ratio {size}, spread 0.10, {BLOCKS} blocks: found in {found:.1%}, {wanted:.1%} by the formula")
    assert found == pytest.approx(wanted, abs=3 * math.sqrt(0.25 / 4000))


def test_what_differs_by_the_whole_band_is_seldom_called_the_same(random):
    noise = random.normal(math.log(1.10), SPREAD, (EXPERIMENTS, BLOCKS))
    wrong = share_of("equivalent", noise, margin=0.10)
    print(f"true ratio 1.10 of a band of 10 %: called the same in {wrong:.1%}")
    assert wrong <= 0.05


def test_what_is_the_same_is_called_so_with_blocks_enough(random):
    noise = random.normal(0.0, SPREAD, (500, 10))
    right = share_of("equivalent", noise, margin=0.10)
    print(f"no effect, spread {SPREAD}, 10 blocks: called the same in {right:.1%}")
    assert right >= 0.90

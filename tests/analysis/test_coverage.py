"""Whether intervals cover the truth and verdicts are right, over many simulated experiments.

Each test prints its figure: `pytest -m simulated -rP` shows them.
"""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats import confidence, hypothesis
from analysis.stats import power as hypothesis_power
from tests.analysis import simulated

pytestmark = pytest.mark.simulated

EXPERIMENTS = 2000
BLOCKS, REQUESTS = 6, 1000
DRIFT, SPREAD = 0.10, 0.05  # standard deviations of logarithms: of the machine's speed by block, and of each run


@pytest.fixture
def random():
    return np.random.default_rng(20261127)


def covered(taken, truth, share):
    """The share of experiments in which the interval of a percentile has the true one.

    `taken` are times in the system by experiment, block and request.
    """
    by_block = np.quantile(taken, share, axis=-1)
    pooled = np.quantile(taken.reshape(len(taken), -1), share, axis=-1)
    intervals = [confidence.log_mean_ci(*pair) for pair in zip(by_block, pooled.tolist(), strict=True)]
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


@pytest.mark.parametrize("blocks", [4, 6, 10])
def test_percentiles_by_sectioning_cover_the_true_one(random, blocks):
    taken = simulated.responses(random, (EXPERIMENTS // 2, blocks), REQUESTS, 0.5)
    for share in (0.50, 0.95, 0.99):
        coverage = covered(taken, simulated.percentile(0.5, share), share)
        print(f"p{100 * share:g}, {blocks} blocks, utilisation 0.5: coverage {coverage:.1%}")
        assert coverage >= 0.90


EXPONENTIAL = np.random.Generator.standard_exponential
WORLDS = {
    "exponential, utilisation 0.5": (0.5, EXPONENTIAL),
    "exponential, utilisation 0.8": (0.8, EXPONENTIAL),
    "exponential, utilisation 0.9": (0.9, EXPONENTIAL),
    "scv 4, utilisation 0.5": (0.5, simulated.hyperexponential),
    "scv 4, utilisation 0.8": (0.8, simulated.hyperexponential),
    "Pareto 2.5, utilisation 0.5": (0.5, simulated.pareto(2.5)),
    "Pareto 2.1, utilisation 0.5": (0.5, simulated.pareto(2.1)),
    "Pareto 2.2, utilisation 0.8": (0.8, simulated.pareto(2.2)),
}
STATISTICS = {
    "mean": (lambda taken: taken.mean(axis=-1), math.inf),
    "p95": (lambda taken: np.quantile(taken, 0.95, axis=-1), 0.05),
    "p99": (lambda taken: np.quantile(taken, 0.99, axis=-1), 0.01),
}


@pytest.mark.parametrize("world", WORLDS)
def test_an_interval_that_is_not_marked_as_too_narrow_covers(random, world):
    """Of all experiments at most one in eight shows an interval without a mark that misses the truth."""
    utilisation, service = WORLDS[world]
    taken = simulated.general_responses(random, (300, BLOCKS), REQUESTS, utilisation, service)
    long = simulated.general_responses(random, (3000,), 1000, utilisation, service).ravel()
    pooled = taken.reshape(len(taken), -1)
    tails = np.divide(*np.quantile(pooled, [0.99, 0.95], axis=-1))
    for name, (statistic, beyond) in STATISTICS.items():
        truth, rows = statistic(long), REQUESTS * beyond
        values = zip(statistic(taken), statistic(pooled).tolist(), tails.tolist(), strict=True)
        intervals = [confidence.sectioning_ci(by_block, whole, rows, tail) for by_block, whole, tail in values]
        covers = np.array([interval.low <= truth <= interval.high for interval in intervals])
        marked = np.array([interval.is_lower_bound for interval in intervals])
        missed = (~covers & ~marked).mean()
        print(f"{world}, {name}: covers {covers.mean():.0%}, marked {marked.mean():.0%}, misses unmarked {missed:.1%}")
        if name != "mean" or "Pareto" not in world:  # there the waiting time has no variance, and means do not converge
            assert missed <= 0.125
    if world == "exponential, utilisation 0.5":
        assert covers.mean() >= 0.90


def test_requests_taken_as_independent_do_not_cover(random):
    """The negative control: the binomial interval of a percentile of all requests of an experiment together."""
    truth, hits = simulated.percentile(0.8, 0.95), 0
    for taken in simulated.responses(random, (EXPERIMENTS,), BLOCKS * REQUESTS, 0.8):
        low, high = stats.binom.ppf([0.025, 0.975], taken.size, 0.95).astype(int)
        ordered = np.sort(taken)
        hits += ordered[low] <= truth <= ordered[high]
    print(f"p95, requests taken as independent, utilisation 0.8: coverage {hits / EXPERIMENTS:.1%}")
    assert hits / EXPERIMENTS < 0.60


def log_ratios(random, experiments, worth=0.0, blocks=BLOCKS, utilisation=0.5):
    """By experiment and block: the log ratio of the p95 of two arms that had the same drift."""
    drift = np.exp(random.normal(0.0, DRIFT, (experiments, blocks, 1)))
    own = np.exp(random.normal(0.0, SPREAD, (experiments, blocks, 2)) + np.array([0.0, worth]))
    taken = simulated.responses(random, (experiments, blocks, 2), REQUESTS, utilisation, drift * own)
    p95 = np.log(np.quantile(taken, 0.95, axis=-1))
    return p95[..., 1] - p95[..., 0], taken


def verdicts(experiments, margin):
    """Evaluate an array (experiment × comparison × block) of log ratios, one table an experiment.

    Returns an array (experiment × comparison) of verdicts.
    """
    tables = [
        hypothesis.evaluate({str(n): hypothesis.paired(row) for n, row in enumerate(rows)}, equivalence_margin=margin)
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


@pytest.mark.parametrize("size", [1, 10, 50, 100])
@pytest.mark.parametrize("share", [0.01, 0.05])
def test_shares_of_failures_in_clusters_are_covered_where_they_have_an_interval(random, share, size):
    """All requests of a bad spell fail; a block has as many spells as chance makes."""
    experiments = random.poisson(share * REQUESTS / size, (3000, 4)) * size
    estimates = [confidence.proportion_ci(np.minimum(failed, REQUESTS), [REQUESTS] * 4) for failed in experiments]
    shown = [estimate for estimate in estimates if estimate.interval]
    misses = sum(not estimate.low <= share <= estimate.high for estimate in shown)
    print(
        f"share {share:.0%} in clusters of {size}: {len(shown) / 3000:.1%} have an interval, "
        f"{misses / 3000:.2%} one that misses"
    )
    assert misses <= 0.05 * len(shown)


MARGINS = (0.01, 0.01, 0.05, 0.10, 0.10, 0.10, 0.10, 0.10)  # of the metrics, a column of the page each
CHANGES = 8


def reports_with_a_verdict(random, wanted, true_log_ratio, experiments=EXPERIMENTS // 2, blocks=4):
    """Share of reports of eight changes by eight metrics of which a comparison gets one of the verdicts.

    `true_log_ratio` is a function of the metric's margin. The metrics of a change depend on each other: half of the
    variance of a log ratio is common to them.
    """
    own, common = (
        random.normal(0.0, SPREAD / math.sqrt(2), (experiments, CHANGES, size, blocks)) for size in (len(MARGINS), 1)
    )
    reports = 0
    for report in np.swapaxes(own + common, 1, 2):
        tables = [
            hypothesis.ComparisonTable(
                {str(n): hypothesis.paired(row + true_log_ratio(margin)) for n, row in enumerate(rows)}, margin
            )
            for rows, margin in zip(report, MARGINS, strict=True)
        ]
        evaluated = hypothesis.evaluate_family(tables)
        reports += any(effect.verdict in wanted for table in evaluated for effect in table)
    return reports / experiments


def test_a_report_in_which_nothing_differs_has_a_false_alarm_in_one_of_twenty(random):
    alarms = reports_with_a_verdict(random, ALARMS, lambda margin: 0.0)
    print(f"reports of 64 comparisons without an effect: with a false alarm {alarms:.1%}")
    assert alarms <= 0.06


def test_a_report_in_which_all_differs_by_the_margin_has_seldom_a_false_equivalence(random):
    wrong = reports_with_a_verdict(random, ("equivalent",), math.log1p)
    print(f"reports of 64 comparisons that differ by the margin: with a false equivalence {wrong:.1%}")
    assert wrong <= 0.035


def detected_as_shown(random, blocks, comparisons, experiments=3000):
    """Share of experiments that detect the effect which an experiment before them showed as detectable.

    The first experiment estimates its spread, as every report does. In the second one change of the table has that
    effect, and the others have none.
    """
    detected = 0
    for first, second in random.normal(0.0, SPREAD, (experiments, 2, comparisons, blocks)):
        pairs = ({str(n): hypothesis.paired(row) for n, row in enumerate(rows)} for rows in (first, second))
        shown = hypothesis.evaluate(next(pairs), equivalence_margin=0.001)[0].minimum_detectable_effect
        repeated = dict(next(pairs)) | {"0": hypothesis.paired(second[0] - math.log(shown))}
        detected += hypothesis.evaluate(repeated, equivalence_margin=1e-6)[0].verdict == "improvement"
    return detected / experiments


@pytest.mark.parametrize("comparisons", [1, 8])
@pytest.mark.parametrize("blocks", [4, 6, 10])
def test_the_minimum_detectable_effect_that_is_shown_is_detected_in_four_of_five(random, blocks, comparisons):
    share = detected_as_shown(random, blocks, comparisons, 1000 if comparisons > 1 else 3000)
    print(f"{blocks} blocks, one effect of {comparisons}: the one shown as detectable is detected in {share:.1%}")
    assert share >= hypothesis_power.POWER


@pytest.mark.parametrize("blocks", [4, 6, 10])
def test_blocks_that_are_shown_as_required_decide_in_four_of_five_experiments(random, blocks):
    """Their power at the true spread reaches 80 % in four of five experiments."""
    log_margin, enough, decided = math.log(1.10), 0, 0
    for row in random.normal(0.0, SPREAD, (1000, blocks)):
        required = hypothesis.evaluate({"": hypothesis.paired(row)}, equivalence_margin=0.10)[0].blocks_required
        if required is not None:
            error, df = SPREAD / math.sqrt(required), required - 1
            detects = hypothesis_power.power(log_margin, error, df, 0.05)
            equivalent = hypothesis_power.equivalence_power(log_margin, error, df, 0.95)
            enough += min(float(detects), float(equivalent)) >= hypothesis_power.POWER
            decided += 1
    print(f"required as {blocks} blocks show: of {decided} numbers {enough / decided:.1%} have a power of 80 %")
    assert enough / decided >= 0.78


def test_the_noise_floor_is_exceeded_by_one_pair_in_twenty(random):
    for blocks in (4, 6, 10):
        pairs = random.normal(0.0, SPREAD, (10_000, blocks + 1))
        floors = np.log([confidence.noise_floor(row) for row in pairs[:, 1:]])
        below = (np.abs(pairs[:, 0]) <= floors).mean()
        print(f"noise floor of {blocks} pairs: another pair stays below in {below:.1%}")
        assert below == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("mean_count", [2, 5, 20])
@pytest.mark.parametrize("blocks", [4, 6])
def test_counts_that_tie_by_chance_are_seldom_called_different(random, blocks, mean_count):
    """Two sides with the same rate; experiments with a count of 0 have no ratio and no verdict."""
    counts = random.poisson(mean_count, (6000, blocks, 2)).astype(float)
    counts = counts[(counts > 0).all(axis=(1, 2))]
    p = np.array(
        [hypothesis.paired(np.log(c[:, 1] / c[:, 0]), hypothesis.count_resolution(c[:, 0], c[:, 1])).p for c in counts]
    )
    print(f"counts of {mean_count}, {blocks} blocks: p ≤ 0.05 in {(p <= 0.05).mean():.1%}, smallest p {p.min():.1e}")
    assert (p <= 0.05).mean() <= 0.06
    assert (p <= 0.001).mean() <= 0.002


@pytest.mark.parametrize("size", [0.05, 0.10, 0.20])
def test_power_is_as_the_formula_says(random, size):
    noise = random.normal(size, 0.10, (4000, BLOCKS))
    found = share_of("regression", noise, margin=0.001)
    wanted = hypothesis_power.power(size, 0.10 / math.sqrt(BLOCKS), BLOCKS - 1, 0.05)
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

"""Power of comparisons, where it can be worked out or drawn in another way."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.power import (
    PowerAnalysis,
    equivalence_power,
    minimum_detectable_log_ratio,
    power,
    spread_factor,
)


def test_power_is_that_of_the_noncentral_t():
    assert power(0.2, 0.05, 5, 0.05) == pytest.approx(
        stats.nct.sf(stats.t.ppf(0.975, 5), 5, 4) + stats.nct.cdf(-stats.t.ppf(0.975, 5), 5, 4)
    )


def test_minimum_detectable_effect_has_its_power_and_falls_with_more_blocks():
    effect = minimum_detectable_log_ratio(0.05, 3, 0.05)
    assert power(effect, 0.05, 3, 0.05) == pytest.approx(0.80)
    assert minimum_detectable_log_ratio(0.05 / math.sqrt(3), 11, 0.05) < effect


def test_blocks_required_reach_both_powers_and_one_block_fewer_does_not():
    log_margin = math.log(1.3)
    analysis = PowerAnalysis(0.1, 3, 4, 0.05, 0.05, log_margin)
    blocks = analysis.blocks_required
    errors = [0.1 * spread_factor(3) * math.sqrt(4 / number) for number in (blocks - 1, blocks)]
    powers = [
        min(float(power(log_margin, error, df, 0.05)), float(equivalence_power(log_margin, error, df, 0.95)))
        for error, df in zip(errors, [blocks - 2, blocks - 1], strict=True)
    ]
    assert powers[0] < 0.80 <= powers[1]
    assert PowerAnalysis(0.1, 3, 4, 0.05, 0.05, 1e-4).blocks_required is None


def test_without_noise_the_fewest_blocks_decide():
    analysis = PowerAnalysis(0.0, 3, 4, 0.05, 0.05, 0.1)
    assert (analysis.blocks_required, analysis.minimum_detectable_effect) == (4, 1.0)


@pytest.mark.parametrize("df", [3, 5, 7.4])
def test_spread_factor_makes_the_standard_deviation_too_small_in_one_of_five(df):
    deviations = np.sqrt(stats.chi2.rvs(df, size=20_000, random_state=1) / df)
    assert (deviations * spread_factor(df) < 1).mean() == pytest.approx(0.20, abs=0.01)


def test_equivalence_power_is_the_share_of_drawn_experiments_called_equivalent():
    random, blocks, deviation, log_margin = np.random.default_rng(3), 8, 0.1, math.log(1.15)
    drawn = random.normal(0, deviation, (20_000, blocks))
    half_widths = stats.t.ppf(0.975, blocks - 1) * drawn.std(axis=1, ddof=1) / math.sqrt(blocks)
    called_equivalent = (np.abs(drawn.mean(axis=1)) + half_widths <= log_margin).mean()
    assert equivalence_power(log_margin, deviation / math.sqrt(blocks), blocks - 1, 0.95) == pytest.approx(
        called_equivalent, abs=0.05
    )
    assert equivalence_power(0.01, deviation, blocks - 1, 0.95) == 0

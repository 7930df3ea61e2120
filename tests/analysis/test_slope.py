"""The slope of readings that depend on each other: what its interval covers, and how often a verdict is wrong.

Each test of coverage prints its figure: `pytest -m simulated -rP` shows them.
"""

import numpy as np
import pandas as pd
import pytest

from analysis.soak.growth import growth_of
from analysis.soak.slope import MIN_READINGS, slope
from analysis.soak.watched_resources import Margin, Resource

SERIES = 600
SHORT, LONG = 135, 1350  # readings of a soak of 3 minutes and of 30 without their first quarter
TRUTH = 0.02


@pytest.fixture
def random():
    return np.random.default_rng(20261129)


def autoregressive(random, size, rho):
    values = np.zeros(size + 200)
    for n, error in enumerate(random.normal(size=size + 200)):
        values[n] = rho * values[n - 1] + error
    return values[200:]


def saw(random, size, period):
    return (np.arange(size) + random.integers(period)) % period + 0.5 * random.normal(size=size)


def steps(random, size):
    """What is replaced every twenty seconds by something of another size."""
    return 5 * np.repeat(random.normal(size=size // 20 + 1), 20)[:size] + random.normal(size=size)


WORLDS = {
    "independent": lambda random, size: random.normal(size=size),
    "autoregressive, 0.5": lambda random, size: autoregressive(random, size, 0.5),
    "autoregressive, 0.9": lambda random, size: autoregressive(random, size, 0.9),
    "autoregressive, 0.95": lambda random, size: autoregressive(random, size, 0.95),
    "whole numbers": lambda random, size: np.round(50 + 0.3 * autoregressive(random, size, 0.8)),
    "saw of 15 s": lambda random, size: saw(random, size, 15),
    "saw of 30 s": lambda random, size: saw(random, size, 30),
    "steps of 20 s": steps,
}


@pytest.mark.simulated
@pytest.mark.parametrize("size", [SHORT, LONG])
@pytest.mark.parametrize("world", WORLDS)
def test_slope_of_dependent_readings_covers_the_true_one(random, world, size):
    times = np.arange(size)
    found = [slope(times, WORLDS[world](random, size) + TRUTH * times) for _ in range(SERIES)]
    coverage = np.mean([each.low <= TRUTH <= each.high for each in found])
    print(f"{world}, {size} readings: coverage {coverage:.1%} of 90 %")
    assert coverage >= 0.84


@pytest.mark.simulated
@pytest.mark.parametrize("world", WORLDS)
def test_verdict_on_a_resource_without_growth_is_seldom_grows(random, world):
    verdicts = [verdict_of(WORLDS[world](random, 4 * SHORT // 3), 0.5) for _ in range(SERIES)]
    false = np.mean([verdict == "grows" for verdict in verdicts])
    print(f"{world}: grows {false:.1%} of 5 %")
    assert false <= 0.09


@pytest.mark.simulated
@pytest.mark.parametrize("world", ["independent", "autoregressive, 0.9"])
def test_verdict_on_growth_of_the_margin_is_seldom_flat(random, world):
    margin, size = 12.0, 4 * SHORT // 3
    grown = margin / SHORT * np.arange(size)
    verdicts = [verdict_of(WORLDS[world](random, size) + grown, margin) for _ in range(SERIES)]
    false = np.mean([verdict == "flat" for verdict in verdicts])
    print(f"{world}: flat {false:.1%} of 5 %")
    assert false <= 0.09


def verdict_of(values, margin):
    resource = Resource("any", "any", "{}", lambda run: pd.Series(), Margin(margin, 0.0, ""))
    return growth_of(resource, pd.Series(values, index=np.arange(len(values), dtype=float))).verdict


def test_slope_of_equal_readings_is_zero_without_width():
    found = slope(range(100), [7.0] * 100)
    assert (found.estimate, found.low, found.high) == (0.0, 0.0, 0.0)


def test_slope_of_too_few_readings_is_none():
    assert slope(range(MIN_READINGS - 1), [7.0] * (MIN_READINGS - 1)) is None


@pytest.mark.parametrize(("a_second", "verdict"), [(0.0, "flat"), (0.4, "grows"), (-0.4, "falls"), (0.02, "flat")])
def test_verdict_follows_the_growth_of_the_readings(random, a_second, verdict):
    assert verdict_of(random.normal(size=180) + a_second * np.arange(180), 10.0) == verdict


def test_verdict_of_much_noise_is_inconclusive(random):
    assert verdict_of(50 * random.normal(size=180), 3.0) == "inconclusive"


def test_growth_leaves_the_first_quarter_out():
    values = np.concatenate([np.linspace(0, 100, 45), np.full(135, 100.0)])
    assert verdict_of(values, 1.0) == "flat"

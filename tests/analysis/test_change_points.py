"""Change points: what is seen, where, how often by chance, and how sure.

Each simulation prints its figure: `pytest -m simulated -rP` shows them.
"""

import numpy as np
import pytest

from analysis.stats.change_points import (
    LEVEL,
    MIN_VALUES,
    candidates,
    change_points,
    corrected,
    drifts,
    is_unsettled,
    p_limit,
)

LENGTHS = {2 * MIN_VALUES: 2000, 12: 2000, 30: 1000, 100: 400}  # experiments of a series: how many series are drawn
SHIFTS = (1, 2, 3, 4)  # in standard deviations
SIDES = ((4, 4), (8, 4), (10, 10), (20, 4), (20, 20))  # experiments before and after a shift
SERIES = 400
FAMILY = 20  # series of a history of that size


@pytest.fixture
def random():
    return np.random.default_rng(20261130)


def autoregressive(random, size, rho):
    values = np.zeros(size + 100)
    for n, error in enumerate(random.normal(size=size + 100)):
        values[n] = rho * values[n - 1] + error
    return values[100:]


def outliers(random, size):
    """One value in ten scatters five times as far."""
    return random.normal(size=size) * np.where(random.random(size) < 0.1, 5, 1)


def stepped(random, before, after, shift):
    return random.normal(size=before + after) + np.where(np.arange(before + after) < before, 0, shift)


def limit(values, family=1):
    return p_limit(family * candidates(len(values)))


def places(values, family=1):
    return [point.index for point in change_points(values, limit(values, family))]


def steps(values):
    return [point.index for point in change_points(values, limit(values)) if point.is_step]


# What a value of an experiment is made of, in standard deviations, where nothing changed.
UNCHANGED = {
    "white noise": lambda random, size: random.normal(size=size),
    "three degrees of freedom": lambda random, size: random.standard_t(3, size=size),
    "exponential": lambda random, size: random.exponential(size=size),
    "outliers": outliers,
}
# What changes, but at no one place; and neighbours that resemble each other.
DRIFTING = {
    "drift of 1 sigma": lambda random, size: random.normal(size=size) + np.linspace(0, 1, size),
    "drift of 3 sigma": lambda random, size: random.normal(size=size) + np.linspace(0, 3, size),
    "drift of 6 sigma": lambda random, size: random.normal(size=size) + np.linspace(0, 6, size),
    "autocorrelation 0.3": lambda random, size: autoregressive(random, size, 0.3),
    "autocorrelation 0.6": lambda random, size: autoregressive(random, size, 0.6),
}
MAX_STEPS = {"autocorrelation 0.3": LEVEL, "autocorrelation 0.6": 0.12}  # share of series with a step; of others 9 %


@pytest.mark.simulated
@pytest.mark.parametrize("size", LENGTHS)
@pytest.mark.parametrize("world", UNCHANGED)
def test_change_points_of_what_did_not_change_are_as_rare_as_stated(random, world, size):
    share = np.mean([bool(places(UNCHANGED[world](random, size))) for _ in range(LENGTHS[size])])
    print(f"{world}, {size} experiments: {share:.1%} of series with a false change, at most {LEVEL:.0%} stated")
    assert share <= LEVEL


@pytest.mark.simulated
@pytest.mark.parametrize("size", LENGTHS)
@pytest.mark.parametrize("world", DRIFTING)
def test_what_drifts_seldom_has_a_step(random, world, size):
    series = [DRIFTING[world](random, size) for _ in range(LENGTHS[size])]
    share, of_any_kind = (np.mean([bool(search(each)) for each in series]) for search in (steps, places))
    print(f"{world}, {size} experiments: {share:.1%} of series with a step, {of_any_kind:.1%} with a change")
    assert share <= MAX_STEPS.get(world, 0.09)


@pytest.mark.simulated
def test_change_points_of_a_whole_history_are_as_rare_as_stated(random):
    sizes = [8, 12, 20, 30] * (FAMILY // 4)
    family = p_limit(sum(map(candidates, sizes)))
    share = np.mean([
        any(change_points(random.normal(size=size), family) for size in sizes) for _ in range(SERIES)
    ])  # fmt: skip
    print(f"{len(sizes)} series: {share:.1%} of histories with a false change, at most {LEVEL:.0%} stated")
    assert share <= LEVEL


@pytest.mark.simulated
@pytest.mark.parametrize("sides", SIDES, ids=str)
@pytest.mark.parametrize("shift", SHIFTS)
def test_a_shift_is_seen_where_it_is_and_its_interval_covers_it(random, shift, sides):
    seen = {1: [], FAMILY: []}
    for _ in range(SERIES):
        values = stepped(random, *sides, shift)
        for family, points in seen.items():
            points += change_points(values, limit(values, family))[:1]
    power, in_family = (len(points) / SERIES for points in seen.values())
    errors = [abs(point.index - sides[0]) for point in seen[1]]
    ends = [point.shift.interval(0.95) for point in seen[1]]
    covered = np.mean([low <= shift <= high for low, high in ends])
    print(
        f"{shift} sigma, {sides[0]} and {sides[1]} experiments: seen {power:.0%}, as one of {FAMILY} series "
        f"{in_family:.0%}, {np.mean(errors):.2f} places off, interval covers {covered:.0%}"
    )
    if shift == 4 and min(sides) >= 8:
        assert power >= 0.9
        assert np.mean(errors) <= 0.2
        assert covered >= 0.9


def test_change_point_of_a_clear_step_is_its_place(random):
    assert places(stepped(random, 12, 8, 8.0)) == [12]


def test_change_points_of_two_steps_are_both_places(random):
    values = np.concatenate([stepped(random, 10, 10, 8.0), 0 + random.normal(size=10)])
    assert places(values) == [10, 20]


def test_change_points_of_noise_are_none(random):
    assert places(random.normal(size=40)) == []


def test_one_odd_value_is_no_change(random):
    values = random.normal(size=30)
    values[17] += 40
    assert places(values) == []


def test_too_few_values_have_no_change_point_and_no_candidate():
    values = [0.0] * (MIN_VALUES - 1) + [9.0] * MIN_VALUES
    assert change_points(values, 0.025) == []
    assert candidates(len(values)) == 0
    assert candidates(2 * MIN_VALUES) == 2


def test_a_shift_has_means_counts_and_an_interval(random):
    (point,) = change_points(stepped(random, 12, 8, 8.0), 0.01)
    low, high = point.shift.interval(0.95)
    assert (point.shift.count_before, point.shift.count_after) == (12, 8)
    assert low < 8 < high


def test_what_drifts_has_a_drift_and_no_place(random):
    values = random.normal(size=30) + np.linspace(0, 12, 30)
    assert places(values) == []
    (drift,) = drifts(values, [], limit(values))
    assert (drift.start, drift.stop) == (0, 30)
    assert drift.last - drift.first == pytest.approx(12, abs=2)


def test_a_step_is_no_drift(random):
    values = stepped(random, 15, 15, 8.0)
    assert drifts(values, change_points(values, limit(values)), limit(values)) == []


def test_a_change_that_was_undone_is_two_changes(random):
    values = random.normal(size=30)
    values[12:18] += 8
    assert places(values, FAMILY) == [12, 18]


def test_corrected_p_at_the_limit_is_the_level():
    assert corrected(p_limit(37), 37) == pytest.approx(LEVEL)
    assert corrected(0.5, 37) == 1


def test_what_wanders_is_unsettled_and_noise_is_not(random):
    assert is_unsettled(np.cumsum(random.normal(size=30)), p_limit(30))
    assert not is_unsettled(random.normal(size=30), p_limit(30))

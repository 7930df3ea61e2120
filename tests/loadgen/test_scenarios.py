"""The named scenarios, and changes to them."""

import pytest

from loadgen import scenario_changes, scenarios
from workbench.errors import UserError


@pytest.mark.parametrize(
    ("name", "requests"),
    [
        ("single", 93), ("burst-25", 75), ("burst-50", 150), ("burst-100", 300),
        ("burst-50-mix", 150), ("sustained-100", None), ("reads", 23), ("missing-table", 15), ("start", 0),
    ],
)  # fmt: skip
def test_expected_requests_of_a_scenario(name, requests):
    assert scenarios.find(name).expected_requests() == requests


def test_find_returns_the_scenario_of_that_name():
    assert all(scenarios.find(name).name == name for name in scenarios.LISTED)
    assert scenarios.find("burst-50-mix").terms == "mix"


def test_find_makes_a_scenario_of_a_family_for_any_number():
    assert (scenarios.find("burst-7").users, scenarios.find("sustained-12").users) == (7, 12)
    assert scenarios.find("open-30").pieces == ((5.0, 30, 30), (30.0, 30, 30))
    assert scenarios.find("open-400").users == 400
    assert scenarios.find("steps-50").rates == tuple((10.0, rate, rate) for rate in (10, 20, 30, 40, 50))
    assert scenarios.find("ramp-50").rates == ((60.0, 1.0, 50),)
    assert scenarios.find("open-30-write").shares["scan"] == 0.2


@pytest.mark.parametrize(
    "name",
    ["burst-0", "burst-", "burst-007", "open-1.5", "open--5", "burst-50-", "burst-50-mix-mix", "soak-9", "", "burst"],
)
def test_find_of_a_malformed_number_is_refused(name):
    with pytest.raises(UserError, match="there is no scenario"):
        scenarios.find(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("burst-5001", "up to burst-5000"), ("open-20001", "up to open-20000"),
        ("overload-21", "up to overload-20"),
        ("burst-50-write", "there is no scenario"),
    ],
)  # fmt: skip
def test_find_of_a_scenario_that_cannot_be_made_says_why(name, message):
    with pytest.raises(UserError, match=message):
        scenarios.find(name)


def test_override_changes_fields_and_lists_them():
    changed = scenario_changes.override(scenarios.find("sustained-100"), duration_s=10.0, warmup_s=0.0, users=5)
    assert (changed.duration_s, changed.warmup_s, changed.users) == (10.0, 0.0, 5)
    assert changed.overridden == ("duration_s", "users", "warmup_s")
    assert changed.name == "sustained-100"


def test_override_of_the_duration_stretches_the_steps_of_an_open_load():
    changed = scenario_changes.override(scenarios.find("steps-50"), duration_s=25.0, warmup_s=1.0, arrivals="constant")
    assert changed.pieces[:2] == ((1.0, 10, 10), (5.0, 10, 10))
    assert (changed.arrivals, len(changed.rates)) == ("constant", 5)


def test_an_overload_is_a_multiple_of_its_base_rate_between_two_times_of_that_rate():
    scenario = scenarios.find("overload-5")
    base = scenario.base_rps
    assert [piece.from_rps for piece in scenario.rates] == [base, 5 * base, base]
    assert scenario.pieces[0] == (scenario.warmup_s, base, base)
    assert scenario.duration_s == sum(piece.duration_s for piece in scenario.rates)
    assert scenario.initial_logins() == scenario.sessions < scenario.users < 1024


def test_override_of_the_base_rate_changes_all_rates_of_an_overload():
    changed = scenario_changes.override(scenarios.find("overload-10"), base_rps=40.0, duration_s=42.0)
    assert [tuple(piece) for piece in changed.rates] == [(10.0, 40.0, 40.0), (16.0, 400.0, 400.0), (16.0, 40.0, 40.0)]
    assert changed.overridden == ("base_rps", "duration_s", "rates")


def test_override_with_the_same_values_changes_nothing():
    assert scenario_changes.override(scenarios.find("open-30"), duration_s=30.0, arrivals="poisson").overridden == ()


def test_a_burst_with_a_duration_has_no_fixed_number_of_requests():
    assert scenario_changes.override(scenarios.find("burst-5"), duration_s=3.0).expected_requests() is None


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("start", {"users": 3}, "sends nothing"), ("burst-5", {"arrivals": "constant"}, "closed load"),
        ("open-30", {"duration_s": 0.0}, "would measure nothing"),
        ("sustained-5", {"duration_s": 0.0}, "would measure nothing"),
        ("open-30", {"base_rps": 5.0}, "--base-rate is for overload-N"),
    ],
)  # fmt: skip
def test_override_of_a_field_without_meaning_is_refused(name, changes, message):
    with pytest.raises(UserError, match=message):
        scenario_changes.override(scenarios.find(name), **changes)


def test_find_of_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="'nothing'; choose one of single"):
        scenarios.find("nothing")


def test_soak_has_a_fifth_of_writes_and_keeps_its_rate_when_shortened():
    short = scenario_changes.override(scenarios.find("soak"), duration_s=180.0)
    assert (short.duration_s, short.pieces) == (180.0, ((5.0, 50, 50), (180.0, 50, 50)))
    assert short.shares["scan"] == 0.2
    assert scenarios.find("soak").duration_s == 1800

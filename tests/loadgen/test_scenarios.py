import random

import pytest

from loadgen import deployments, scenarios
from loadgen.dataset import SCALES
from loadgen.search_terms import NO_MATCH, Terms
from workbench.errors import UserError

ROWS = SCALES["small"].counts()


@pytest.mark.parametrize(
    ("name", "requests"),
    [
        ("single", 93), ("burst-25", 75), ("burst-50", 150), ("burst-100", 300),
        ("burst-50-mix", 150), ("sustained-100", None), ("reads", 23), ("missing-table", 15), ("start", 0),
    ],
)  # fmt: skip
def test_a_scenario_knows_how_many_requests_it_makes(name, requests):
    assert scenarios.find(name).expected_requests() == requests


def test_every_scenario_is_found_by_its_name():
    assert all(scenarios.find(name).name == name for name in scenarios.LISTED)
    assert scenarios.find("burst-50-mix").terms == "mix"


def test_any_number_makes_a_scenario_of_its_family():
    assert (scenarios.find("burst-7").users, scenarios.find("sustained-12").users) == (7, 12)
    assert scenarios.find("open-30").pieces == ((5.0, 30, 30), (30.0, 30, 30))
    assert scenarios.find("open-400").users == 400
    assert scenarios.find("steps-50").rates == tuple((10.0, rate, rate) for rate in (10, 20, 30, 40, 50))
    assert scenarios.find("ramp-50").rates == ((60.0, 1.0, 50),)
    assert scenarios.find("soak-5").duration_s == 600
    assert scenarios.find("open-30-write").shares["scan"] == 0.2


@pytest.mark.parametrize(
    "name",
    ["burst-0", "burst-", "burst-007", "open-1.5", "open--5", "burst-50-", "burst-50-mix-mix", "soak-9x", "", "burst"],
)
def test_what_is_no_number_is_no_scenario(name):
    with pytest.raises(UserError, match="there is no scenario"):
        scenarios.find(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("burst-5001", "up to burst-5000"), ("open-20001", "up to open-20000"),
        ("burst-50-write", "there is no scenario"),
    ],
)  # fmt: skip
def test_what_this_cannot_make_is_told(name, said):
    with pytest.raises(UserError, match=said):
        scenarios.find(name)


def test_fields_of_a_scenario_can_be_changed():
    changed = scenarios.override(scenarios.find("sustained-100"), duration_s=10.0, warmup_s=0.0, users=5)
    assert (changed.duration_s, changed.warmup_s, changed.users) == (10.0, 0.0, 5)
    assert changed.overridden == ("duration_s", "users", "warmup_s")
    assert changed.name == "sustained-100"


def test_the_steps_of_an_open_load_stretch_with_its_duration():
    changed = scenarios.override(scenarios.find("steps-50"), duration_s=25.0, warmup_s=1.0, arrivals="constant")
    assert changed.pieces[:2] == ((1.0, 10, 10), (5.0, 10, 10))
    assert (changed.arrivals, len(changed.rates)) == ("constant", 5)


def test_what_is_the_scenarios_own_already_is_no_change():
    assert scenarios.override(scenarios.find("open-30"), duration_s=30.0, arrivals="poisson").overridden == ()


def test_a_burst_with_a_duration_goes_on_for_as_long():
    assert scenarios.override(scenarios.find("burst-5"), duration_s=3.0).expected_requests() is None


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("start", {"users": 3}, "sends nothing"), ("burst-5", {"arrivals": "constant"}, "closed load"),
        ("open-30", {"duration_s": 0.0}, "no time at all"), ("sustained-5", {"duration_s": 0.0}, "no time at all"),
    ],
)  # fmt: skip
def test_a_change_without_a_meaning_is_refused(name, changes, said):
    with pytest.raises(UserError, match=said):
        scenarios.override(scenarios.find(name), **changes)


@pytest.mark.parametrize("find", [scenarios.find, deployments.find])
def test_a_name_that_is_not_there_is_answered_with_those_that_are(find):
    with pytest.raises(UserError, match=r"'nothing'; choose one of (single|as-measured)"):
        find("nothing")


def test_the_differences_of_a_deployment():
    assert deployments.differences("as-measured") == {}
    assert deployments.differences("as-claimed") == {"cache": ("off", "process")}
    assert deployments.differences("tuned")["server"] == ("sync", "gthread")


def test_the_published_term_is_always_the_same():
    terms = Terms("published", ROWS, random.Random(1))
    assert {terms.draw() for _ in range(10)} == {("BAG", None)}


def test_the_mix_is_the_same_from_the_same_seed():
    first, second, other = (Terms("mix", ROWS, random.Random(seed)) for seed in (1, 1, 2))
    drawn = [first.draw() for _ in range(300)]
    assert drawn == [second.draw() for _ in range(300)]
    assert drawn != [other.draw() for _ in range(300)]
    whole = [expected for term, expected in drawn if expected]
    assert all(term == expected for term, expected in drawn if expected)
    assert all(1 <= int(qr_id.removeprefix("M444-")) <= ROWS["link"] for qr_id in whole)
    assert 0.3 < len(whole) / 300 < 0.5
    assert {term for term, _ in drawn} & set(NO_MATCH)

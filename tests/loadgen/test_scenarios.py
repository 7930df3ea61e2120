import random

import pytest

from analysis.problem import Problem
from loadgen import deployments, scenarios
from loadgen.dataset import SCALES
from loadgen.terms import NO_MATCH, Terms

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
    assert all(scenarios.find(name).name == name for name in scenarios.SCENARIOS)
    assert scenarios.find("burst-50-mix").terms == "mix"


@pytest.mark.parametrize("find", [scenarios.find, deployments.find])
def test_a_name_that_is_not_there_is_answered_with_those_that_are(find):
    with pytest.raises(Problem, match=r"'burst-1'; choose one of (single|as-measured)"):
        find("burst-1")


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

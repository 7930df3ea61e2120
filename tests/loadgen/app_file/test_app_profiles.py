"""Profiles: those of TraceTrack in this repository's file, and those of an application of one's own."""

import pytest

from loadgen import profiles, scenarios
from loadgen.app_file.app_file import AppFile
from loadgen.plan import comparison_plan
from loadgen.requested_experiment import requested
from workbench.errors import UsageError
from workbench.faults import DATABASE, KINDS

SHOP = """\
name = "Shop"
blocks = 6

[users]
locustfile = "users.py"

[arms.old]
command = "serve old"
[arms.new]
command = "serve new"
[arms.newest]
command = "serve newest"

[scenarios.burst]
load = "burst"
users = 8
[scenarios.steady]
load = "open"
rate_rps = 5
[scenarios.limit]
load = "capacity"
of = "requests"
first = 8

[[objectives]]
arm = "newest"
scenario = "burst"
metric = "success_ratio"
at_least = 1
[[objectives]]
arm = "new"
scenario = "limit"
metric = "capacity"
at_least = 10

[groups]
both = ["old", "new"]

[profiles.short]
description = "for every change"
[[profiles.short.runs]]
arms = ["both"]
scenarios = ["burst"]
blocks = 4

[profiles.long]
[[profiles.long.runs]]
arms = ["both", "newest"]
scenarios = ["burst", "steady"]
[[profiles.long.runs]]
arms = ["newest", "both"]
scenarios = ["limit"]
blocks = 2
"""
DEPLOYMENTS = """\
name = "TraceTrack again"

[profiles.mine]
[[profiles.mine.runs]]
arms = ["tuned"]
scenarios = ["burst-50"]
[[profiles.mine.searches]]
arms = ["tuned"]
of = "users"
first = 5
[[profiles.mine.verdicts]]
metrics = ["makespan_s"]
scenario = "burst-50"
arms = ["tuned"]
"""


@pytest.fixture
def read(tmp_path):
    """Reads a file with this text, beside a locustfile."""
    (tmp_path / "users.py").write_text("from locust import User")
    path = tmp_path / "workbench.toml"

    def read_text(text):
        path.write_text(text)
        return AppFile.read(path)

    return read_text


def arms_and_blocks(comparison):
    plan = comparison_plan(comparison, None, 1)
    runs = {(spec.arm, spec.scenario) for spec in plan.specs}
    return runs, {scenario: 1 + max(s.block for s in plan.specs if s.scenario == scenario) for _, scenario in runs}


def test_first_profile_is_the_default_one(read):
    comparison = read(SHOP).comparison()
    runs, blocks = arms_and_blocks(comparison)
    assert runs == {("old", "burst"), ("new", "burst")}
    assert blocks == {"burst": 4}
    assert comparison.searches == ()
    assert comparison.objectives == ()


def test_named_profile_has_its_arms_scenarios_searches_and_objectives(read):
    comparison = read(SHOP).comparison(profile="long")
    runs, blocks = arms_and_blocks(comparison)
    assert runs == {(arm, scenario) for arm in ("old", "new", "newest") for scenario in ("burst", "steady")}
    assert blocks == {"burst": 6, "steady": 6}
    assert [(search.name, search.blocks) for search in comparison.searches] == [("limit", 2)]
    assert [each["metric"] for each in comparison.objectives] == ["success_ratio", "capacity"]
    assert comparison.application["profile"] == "long"


def line_of(text, part):
    return 1 + text[: text.index(part)].count("\n")


@pytest.mark.parametrize(
    ("text", "change", "place", "message"),
    [
        (SHOP, ('arms = ["both"]', 'arms = ["borh"]'), 'arms = ["borh"]', "runs 1 of [profiles.short] names 'borh'"),
        (SHOP, ('scenarios = ["limit"]', 'scenarios = ["limits"]'), 'scenarios = ["limits"]', "names 'limits'"),
        (SHOP, ('["newest", "both"]', '["both"]'), 'arms = ["both"]\nscenarios = ["limit"]', "other arms than runs 1"),
        (SHOP, ('both = ["old", "new"]', 'both = ["new"]'), 'arms = ["both"]', "lacks old, the baseline"),
        (SHOP, ('blocks = 4', 'takes_s = 4'), "takes_s = 4", "is for deployments of TraceTrack"),
        (SHOP, ('blocks = 4', 'block = 4'), "block = 4", "did you mean blocks?"),
        (DEPLOYMENTS, ('arms = ["tuned"]', 'arms = ["tune"]'), 'arms = ["tune"]', "neither a deployment nor a group"),
        (DEPLOYMENTS, ('"burst-50"]', '"bust-50"]'), 'scenarios = ["bust-50"]', "runs 1 of [profiles.mine]"),
        (DEPLOYMENTS, ('first = 5', 'first = 5\npredicted_from = "tuned"'), "[[profiles.mine.searches]]",
         "name its scenario too"),
        (DEPLOYMENTS, ('"burst-50"]\n', '"burst-50"]\nchanges = { base = 3 }\n'), 'scenarios = ["burst-50"]',
         "of the changes base no scenario has all"),
        (DEPLOYMENTS, ('scenario = "burst-50"', 'scenario = "nothing"'), 'scenario = "nothing"', "verdicts 1 of"),
    ],
)  # fmt: skip
def test_mistake_is_one_line_with_its_place(read, tmp_path, text, change, place, message):
    changed = text.replace(*change, 1)
    with pytest.raises(UsageError) as raised:
        read(changed).comparison()
    (line,) = str(raised.value).splitlines()
    assert message in line
    assert f"{tmp_path / 'workbench.toml'}, line {line_of(changed, place)}: " in line


def test_unknown_profile_and_a_file_without_profiles_are_refused(read):
    with pytest.raises(UsageError, match=r"no profile 'medium'.*choose one of short, long"):
        read(SHOP).comparison(profile="medium")
    with pytest.raises(UsageError, match="it has none; leave out the profile"):
        read(SHOP[: SHOP.index("[groups]")]).comparison(profile="short")


def test_file_without_arms_needs_no_app(read, tmp_path):
    assert read(DEPLOYMENTS).arms == ()
    with pytest.raises(UsageError, match="declares no arms"):
        requested(str(tmp_path / "workbench.toml"), "mine")


def test_file_lacks_arms_where_it_has_no_profiles(read):
    with pytest.raises(UsageError, match="lacks the key arms: what is put under load, by name"):
        read('name = "Shop"\n')


def test_own_file_of_the_workbench_is_what_is_measured_without_one():
    assert requested(str(profiles.FILE), "smoke") == requested("", "smoke")
    assert requested("", "").id == profiles.DEFAULT


def test_every_fault_is_in_the_profile_resilience_and_those_of_the_database_twice():
    arms = [arm.scenario for arm in profiles.find("resilience").arms]
    for kind in KINDS.values():
        assert arms.count(f"fault-{kind.name}") == (2 if kind.concerns == DATABASE else 1), kind.name


def test_load_is_expected_to_take_its_time():
    soak = next(arm for arm in profiles.find("resilience").arms if arm.scenario == "soak")
    assert soak.changes == {"duration_s": 180}
    assert 180 < soak.load_s < 200
    assert scenarios.find("soak").duration_s == 1800

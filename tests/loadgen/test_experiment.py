from collections import Counter
from itertools import groupby

import pytest

from loadgen import deployments, experiment, profiles, scenarios
from workbench.errors import UserError

PROFILES = pytest.mark.parametrize("profile", [name for name, profile in profiles.PROFILES.items() if profile.arms])


@PROFILES
def test_the_same_seed_makes_the_same_plan(profile):
    plan = experiment.plan(profile, None, 7)
    assert plan == experiment.plan(profile, None, 7)
    others = [experiment.plan(profile, None, seed) for seed in range(8, 12)]
    assert any(sequence(other.orders) != sequence(plan.orders) for other in others)


def sequence(orders):
    return [(order.deployment, order.scenario) for order in orders]


def by_block(plan):
    return [list(orders) for _, orders in groupby(plan.orders, key=lambda order: order.block)]


@pytest.mark.parametrize("profile", ["requests", "database", "ablation", "full"])
def test_each_block_has_an_order_of_its_own(profile):
    blocks = by_block(experiment.plan(profile, None, 1))
    arms = set(sequence(blocks[-1]))
    assert len({tuple(arm for arm in sequence(block) if arm in arms) for block in blocks}) == 4


@PROFILES
def test_each_arm_runs_once_in_each_of_its_blocks_and_a_baseline_twice(profile):
    plan = experiment.plan(profile, None, 1)
    runs = Counter((order.deployment, order.scenario, order.block, order.replicate) for order in plan.orders)
    assert runs == {
        (arm.deployment, arm.scenario, block, replicate): 1
        for arm in profiles.PROFILES[profile].arms
        for block in range(arm.blocks)
        for replicate in ([False, True] if arm.twice else [False])
    }


COMPARING = {"quick", "requests", "database", "ablation", "full", "smoke"}


def test_every_profile_compares_or_searches():
    assert {name for name, one in profiles.PROFILES.items() if any(arm.twice for arm in one.arms)} == COMPARING
    assert all(one.searches for name, one in profiles.PROFILES.items() if name not in COMPARING)


@pytest.mark.parametrize("profile", sorted(COMPARING))
def test_each_block_has_the_baseline_twice(profile):
    for orders in by_block(experiment.plan(profile, None, 1)):
        firsts = sequence(order for order in orders if not order.replicate)
        seconds = sequence(order for order in orders if order.replicate)
        assert {deployment for deployment, _ in seconds} & set(profiles.BASELINES)
        assert set(seconds) <= set(firsts)
        assert all(sequence(orders).count(arm) == 2 for arm in seconds)


def test_either_run_of_a_baseline_may_come_first():
    pairs = [
        [order.replicate for order in orders if (order.deployment, order.scenario) == ("as-measured", "reads")]
        for seed in range(5)
        for orders in by_block(experiment.plan("database", None, seed))
    ]
    assert {tuple(pair) for pair in pairs} == {(False, True), (True, False)}


@PROFILES
def test_no_two_runs_share_a_folder(profile):
    planned = experiment.plan(profile, None, 1).orders
    assert len({experiment.run_name(order) for order in planned}) == len(planned)


@PROFILES
def test_blocks_follow_each_other_and_share_their_seed(profile):
    plan = experiment.plan(profile, None, 3)
    places = [(order.block, order.position) for order in plan.orders]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert all(order.seed == 3000 + order.block for order in plan.orders)
    assert len(plan.expected_s) == len(plan.orders)


@PROFILES
def test_an_arm_names_what_there_is(profile):
    for order in experiment.plan(profile, None, 1).orders:
        order.check()
        assert order.deployment in deployments.DEPLOYMENTS
        assert scenarios.find(order.scenario).name == order.scenario


def test_another_scale_can_be_asked_for():
    plan = experiment.plan("quick", "small", 1)
    assert {plan.scale, *(order.scale for order in plan.orders)} == {"small"}
    assert experiment.plan("quick", None, 1).scale == "production"


@pytest.mark.parametrize(("profile", "scale"), [("slow", None), ("quick", "huge")])
def test_what_is_not_there_is_refused(profile, scale):
    with pytest.raises(UserError, match="choose one of"):
        experiment.plan(profile, scale, 1)


def test_an_experiment_is_never_recorded_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    with pytest.raises(UserError, match="experiment mine exists already"):
        experiment.plan_for("mine", "smoke", None, 1)
    with pytest.raises(UserError, match="experiment mine exists already"):
        experiment.execute(experiment.plan("smoke", None, 1), "mine")
    assert list((tmp_path / "runs" / "mine").iterdir()) == []


def test_a_name_that_can_be_no_id_is_refused():
    with pytest.raises(UserError, match="cannot be an experiment's id"):
        experiment.plan_for("../mine", None, None, None)


@pytest.mark.parametrize("profile", [name for name, one in profiles.PROFILES.items() if one.searches])
def test_what_a_search_is_foretold_from_is_run_before_it(profile):
    planned = {(order.deployment, order.scenario) for order in experiment.plan(profile, None, 1).orders}
    for sought in experiment.plan(profile, None, 1).searches:
        assert (sought.base, sought.base_scenario) in planned


def test_another_objective_can_be_asked_for():
    asked = experiment.plan("capacity", None, 1, 500.0)
    assert (asked.p95_ms, {sought.p95_ms for sought in asked.searches}) == (500.0, {500.0})
    assert {sought.p95_ms for sought in experiment.plan("capacity", None, 1).searches} == {300.0}


def test_a_new_experiment_has_the_defaults(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    assert experiment.plan_for("mine", None, None, None) == experiment.plan("quick", None, 1)
    assert experiment.plan_for(None, "smoke", "production", 4) == experiment.plan("smoke", "production", 4)

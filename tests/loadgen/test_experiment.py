from collections import Counter

import pytest

from analysis.problem import Problem
from loadgen import deployments, experiment, scenarios

PROFILES = pytest.mark.parametrize("profile", experiment.PROFILES)


@PROFILES
def test_the_same_seed_makes_the_same_plan(profile):
    plan = experiment.plan(profile, None, 7)
    assert plan == experiment.plan(profile, None, 7)
    others = [experiment.plan(profile, None, seed) for seed in range(8, 12)]
    sequence = lambda one: [(order.deployment, order.scenario) for order in one.orders]  # noqa: E731
    assert any(sequence(other) != sequence(plan) for other in others)


@PROFILES
def test_each_arm_runs_once_in_each_of_its_blocks(profile):
    plan = experiment.plan(profile, None, 1)
    runs = Counter((order.deployment, order.scenario, order.block) for order in plan.orders)
    assert runs == {
        (arm.deployment, arm.scenario, block): 1
        for arm in experiment.PROFILES[profile].arms
        for block in range(arm.blocks)
    }


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
    with pytest.raises(Problem, match="choose one of"):
        experiment.plan(profile, scale, 1)


def test_an_experiment_is_never_recorded_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    with pytest.raises(Problem, match="experiment mine exists already"):
        experiment.execute(experiment.plan("smoke", None, 1), "mine")
    assert list((tmp_path / "runs" / "mine").iterdir()) == []

"""Plans of experiments: which runs they have, in which order, from which seeds."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import groupby

import pytest

from analysis.metrics.effect_metrics import EFFECT_METRICS
from analysis.stats.confidence import MIN_BLOCKS
from loadgen import deployments, profiles, scenarios
from loadgen.plan import MAX_SEED, Plan, fresh_seed, make_plan
from loadgen.run_spec import RunSpec, run_name
from workbench.arms import BASELINE, TUNED
from workbench.errors import UserError

PROFILES = pytest.mark.parametrize("profile", [name for name, profile in profiles.declared().items() if profile.arms])
RESILIENCE = {"resilience", "resilience-short"}
COMPARING = {"quick", "requests", "database", "ablation", "full", "operations", "smoke"}


def arms(specs: Iterable[RunSpec]) -> list[tuple[str, str]]:
    return [(spec.deployment, spec.scenario) for spec in specs]


def blocks(plan: Plan) -> list[list[RunSpec]]:
    return [list(specs) for _, specs in groupby(plan.specs, key=lambda spec: spec.block)]


@PROFILES
def test_make_plan_with_the_same_seed_gives_the_same_plan(profile):
    plan = make_plan(profile, None, 7)
    assert plan == make_plan(profile, None, 7)
    others = [make_plan(profile, None, seed) for seed in range(8, 12)]
    assert any(arms(other.specs) != arms(plan.specs) for other in others)


@pytest.mark.parametrize("profile", ["requests", "database", "ablation", "full"])
def test_make_plan_shuffles_each_block_separately(profile):
    planned = blocks(make_plan(profile, None, 1))
    in_all_blocks = set(arms(planned[-1]))
    assert len({tuple(arm for arm in arms(block) if arm in in_all_blocks) for block in planned}) == len(planned)


@PROFILES
def test_make_plan_runs_each_arm_once_a_block_and_a_replicated_one_two_times(profile):
    plan = make_plan(profile, None, 1)
    runs = Counter((spec.deployment, spec.scenario, spec.block, spec.replicate) for spec in plan.specs)
    assert runs == {
        (arm.deployment, arm.scenario, block, is_replicate): 1
        for arm in profiles.declared()[profile].arms
        for block in range(arm.blocks)
        for is_replicate in ([False, True] if arm.replicated else [False])
    }


def test_every_profile_has_a_replicated_arm_or_a_search():
    replicated = {name for name, profile in profiles.declared().items() if any(arm.replicated for arm in profile.arms)}
    assert replicated == COMPARING
    others = {name for name in profiles.declared() if name not in COMPARING | RESILIENCE}
    assert all(profiles.declared()[name].searches for name in others)


def test_profiles_of_faults_compare_no_arms():
    for name in RESILIENCE:
        assert not profiles.declared()[name].primary
        assert all(arm.blocks == 1 for arm in profiles.declared()[name].arms)


@pytest.mark.parametrize("profile", sorted(COMPARING))
def test_each_block_of_a_comparing_profile_has_a_replicate_of_a_baseline(profile):
    for specs in blocks(make_plan(profile, None, 1)):
        runs = arms(spec for spec in specs if not spec.replicate)
        replicates = arms(spec for spec in specs if spec.replicate)
        assert {deployment for deployment, _ in replicates} & {BASELINE, TUNED}
        assert set(replicates) <= set(runs)
        assert all(arms(specs).count(arm) == 2 for arm in replicates)


def test_a_replicate_may_come_first_or_second():
    pairs = [
        [spec.replicate for spec in specs if (spec.deployment, spec.scenario) == ("as-measured", "reads")]
        for seed in range(5)
        for specs in blocks(make_plan("database", None, seed))
    ]
    assert {tuple(pair) for pair in pairs} == {(False, True), (True, False)}


@pytest.mark.parametrize("profile", sorted(COMPARING - {"smoke"}))
@pytest.mark.parametrize("seed", range(3))
def test_positions_of_arms_with_as_many_blocks_are_balanced_over_the_blocks(profile, seed):
    """Within their scenario: every run, replicates apart, is at most once more often at a position than it must."""
    plan = make_plan(profile, None, seed)
    treatments = Counter(map(treatment, plan.specs))
    for group in {(number, scenario) for (_, scenario, _), number in treatments.items()}:
        places = Counter()
        members = {run for run, number in treatments.items() if (number, run[1]) == group}
        for block in blocks(plan):
            present = [run for spec in block if (run := treatment(spec)) in members]
            places.update((run, place) for place, run in enumerate(present))
        assert max(places.values()) <= math.ceil(group[0] / len(members))


def treatment(spec: RunSpec) -> tuple[str, str, bool]:
    return spec.deployment, spec.scenario, spec.replicate


@pytest.mark.parametrize("scenario", ["burst-50", "reads"])
def test_arms_that_are_compared_follow_each_other(scenario):
    """Two runs that are compared lie minutes apart only where runs lie between that are compared with them too."""
    by_blocks = defaultdict(set)
    for arm in profiles.declared()["quick"].arms:
        by_blocks[arm.blocks].update({(arm.deployment, scenario)} if arm.scenario == scenario else set())
    for compared in filter(None, by_blocks.values()):
        for block in blocks(make_plan("quick", None, 2)):
            if places := [place for place, arm in enumerate(arms(block)) if arm in compared]:
                assert places == list(range(places[0], places[-1] + 1))


def test_every_arm_of_the_default_profile_that_is_compared_runs_in_four_blocks_or_more():
    plan = make_plan("quick", None, 2)
    runs = Counter((spec.deployment, spec.scenario) for spec in plan.specs if not spec.replicate)
    compared = {(deployment, each.scenario) for each in plan.primary for deployment in each.deployments}
    assert len(compared) > 10
    assert {arm for arm in compared if runs[arm] < MIN_BLOCKS} == set()
    replicated = {(spec.deployment, spec.scenario) for spec in plan.specs if spec.replicate}
    assert {("as-measured", "burst-50"), ("tuned", "burst-50"), ("as-measured", "reads")} <= replicated


@PROFILES
def test_primary_metrics_are_of_arms_that_the_profile_runs(profile):
    plan = make_plan(profile, None, 1)
    ran = {(spec.deployment, spec.scenario) for spec in plan.specs}
    assert bool(plan.primary) == (profile in COMPARING - {"smoke"})
    assert {each.metric for each in plan.primary} <= {metric.column for metric in EFFECT_METRICS}
    for each in plan.primary:
        assert each.deployments
        assert {(name, each.scenario) for name in each.deployments} <= ran


def test_fresh_seed_is_another_one_each_time():
    seeds = {fresh_seed() for _ in range(20)}
    assert len(seeds) > 10
    assert all(1 <= seed <= MAX_SEED for seed in seeds)


@PROFILES
def test_run_name_is_unique_within_a_plan(profile):
    specs = make_plan(profile, None, 1).specs
    assert len({run_name(spec) for spec in specs}) == len(specs)


@PROFILES
def test_blocks_follow_each_other_and_each_has_one_seed(profile):
    plan = make_plan(profile, None, 3)
    places = [(spec.block, spec.position) for spec in plan.specs]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert all(spec.seed == 3000 + spec.block for spec in plan.specs)
    assert len(plan.expected_s) == len(plan.specs)


@PROFILES
def test_every_arm_of_a_profile_names_an_existing_deployment_and_scenario(profile):
    for spec in make_plan(profile, None, 1).specs:
        spec.check()
        assert spec.deployment in deployments.DEPLOYMENTS
        assert scenarios.find(spec.scenario).name == spec.scenario


def test_make_plan_with_a_scale_replaces_the_profiles():
    plan = make_plan("quick", "small", 1)
    assert {plan.scale, *(spec.scale for spec in plan.specs)} == {"small"}
    assert make_plan("quick", None, 1).scale == "production"


@pytest.mark.parametrize(("profile", "scale"), [("slow", None), ("quick", "huge")])
def test_make_plan_with_an_unknown_name_is_refused(profile, scale):
    with pytest.raises(UserError, match="choose one of"):
        make_plan(profile, scale, 1)


@pytest.mark.parametrize("profile", [name for name, profile in profiles.declared().items() if profile.searches])
def test_the_base_run_of_a_search_is_in_the_plan(profile):
    plan = make_plan(profile, None, 1)
    bases = {(search.base, search.base_scenario) for search in plan.searches if search.base}
    assert bases <= set(arms(plan.specs))


def test_make_plan_with_an_objective_sets_it_in_every_search():
    plan = make_plan("capacity", None, 1, 500.0)
    assert (plan.p95_ms, {search.p95_ms for search in plan.searches}) == (500.0, {500.0})
    assert {search.p95_ms for search in make_plan("capacity", None, 1).searches} == {300.0}

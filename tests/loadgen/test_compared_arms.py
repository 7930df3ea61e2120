"""A comparison of arms: its blocks, its declared metrics, its record, and what it refuses."""

import json
from collections import Counter

import pytest

from loadgen.compared_arms import BLOCKS, Comparison
from loadgen.plan import comparison_plan
from loadgen.run_spec import run_name
from loadgen.target import Users
from workbench.errors import UserError

CHECKOUTS = ("base=checkout:../merge-base", "head=checkout:.")
COMMANDS = ("old=command:serve $PORT", "new=command:serve {port} --fast", "other=command:serve")


def test_the_baseline_runs_twice_in_each_block_and_all_runs_of_a_block_have_one_seed():
    plan = comparison_plan(Comparison.of_options(CHECKOUTS), "small", 5)
    by_block = Counter((spec.block, spec.scenario, spec.arm) for spec in plan.specs)
    assert {arm: number for (_, _, arm), number in by_block.items()} == {"base": 2, "head": 1}
    assert {spec.block for spec in plan.specs} == set(range(BLOCKS))
    assert {spec.seed - spec.block for spec in plan.specs} == {5000}
    assert {spec.deployment for spec in plan.specs} == {"tuned"}
    assert len({run_name(spec) for spec in plan.specs}) == len(plan.specs) == BLOCKS * 2 * 3


def test_each_arm_has_each_position_equally_often():
    plan = comparison_plan(Comparison.of_options(COMMANDS, blocks=4), None, 1)
    positions = Counter((spec.arm, spec.replicate, spec.position) for spec in plan.specs)
    assert set(positions.values()) == {1}  # four treatments in four blocks


@pytest.mark.parametrize(
    ("arms", "scenario", "users", "metrics"),
    [
        (CHECKOUTS, "burst-8", Users(), {"makespan_s", "cpu_ms", "reads_p95_ms"}),
        (CHECKOUTS, "reads", Users(), {"makespan_s", "database_ms", "reads_p95_ms"}),
        (CHECKOUTS, "sustained-8", Users(), {"mean_ms", "cpu_ms", "reads_p95_ms"}),
        (CHECKOUTS, "open-8", Users(), {"response_mean_ms", "cpu_ms", "response_reads_p95_ms"}),
        (COMMANDS, "burst-8", Users(), {"makespan_s", "cpu_ms", "reads_p95_ms"}),
    ],
)
def test_the_declared_metrics_are_those_that_the_kind_and_the_load_give(arms, scenario, users, metrics):
    plan = comparison_plan(Comparison.of_options(arms, scenario_names=[scenario], users=users), None, 1)
    assert {each.metric for each in plan.primary} == metrics
    assert {each.deployments for each in plan.primary} == {tuple(arm.partition("=")[0] for arm in arms[1:])}


def test_urls_and_users_of_a_locustfile_declare_no_cpu_time_and_no_reads(tmp_path):
    (tmp_path / "mine.py").write_text("")
    urls = ("a=url:http://127.0.0.1:1", "b=url:http://127.0.0.1:2")
    comparison = Comparison.of_options(urls, scenario_names=["burst-2"], users=Users(tmp_path / "mine.py"))
    assert [each.metric for each in comparison_plan(comparison, None, 1).primary] == ["makespan_s", "p95_ms"]


def test_each_deployment_serves_as_itself():
    comparison = Comparison.of_options(("base=deployment:as-measured", "tuned=deployment:tuned"))
    plan = comparison_plan(comparison, "small", 1)
    assert {spec.arm: spec.deployment for spec in plan.specs} == {"base": "as-measured", "tuned": "tuned"}
    assert comparison.scenarios == ("burst-50", "reads")
    assert "cpu_ms" in {each.metric for each in plan.primary}
    assert plan.needs_database


def test_one_arm_runs_once_in_a_block_and_declares_nothing():
    comparison = Comparison.of_options(COMMANDS[:1], blocks=5, has_objective=True)
    plan = comparison_plan(comparison, None, 1, p95_ms=150.0)
    assert [(spec.block, spec.replicate) for spec in plan.specs] == [(block, False) for block in range(5)]
    assert (plan.primary, plan.p95_ms) == ((), 150.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arms": CHECKOUTS, "blocks": 3}, "fewer than 4 blocks decide nothing"),
        ({"arms": CHECKOUTS, "blocks": 10_000}, "too many"),
        ({"arms": CHECKOUTS, "deployment": "tuned2"}, "no deployment 'tuned2'"),
        ({"arms": CHECKOUTS, "scenario_names": ["burst-x"]}, "no scenario 'burst-x'"),
        ({"arms": CHECKOUTS, "scenario_names": ["start"]}, "sends nothing"),
        ({"arms": CHECKOUTS, "users": Users(tags=("x",))}, "go with commands and URLs"),
        ({"arms": CHECKOUTS, "confirmed": ["example.org"]}, "goes with arms that are URLs"),
        ({"arms": COMMANDS, "deployment": "tuned"}, "is what checkouts serve as"),
        ({"arms": COMMANDS, "scenario_names": ["missing-table"]}, "needs a database of the workbench"),
        ({"arms": ("a=url:http://192.0.2.7:80", "b=url:http://192.0.2.7:81")}, "--confirm-target 192.0.2.7"),
    ],
)
def test_options_that_cannot_be_used_are_refused_before_anything_starts(options, message):
    with pytest.raises(UserError, match=message):
        Comparison.of_options(**options)


def recorded(comparison):
    sources = {
        arm.name: {"kind": arm.kind, "folder": arm.folder or arm.value, arm.kind: arm.value} for arm in comparison.arms
    }
    return {"experiment": "mine", "comparison": json.loads(json.dumps(comparison.record(sources)))}


@pytest.mark.parametrize("arms", [CHECKOUTS, COMMANDS])
def test_a_comparison_comes_back_from_its_record(arms):
    comparison = Comparison.of_options(arms, scenario_names=["burst-8", "reads"], blocks=5)
    assert Comparison.from_record(recorded(comparison)) == comparison
    comparison.require_same(recorded(comparison))
    assert Comparison.from_record({"experiment": "other"}) is None


def test_other_arms_than_an_experiment_was_started_with_are_refused():
    record = recorded(Comparison.of_options(CHECKOUTS))
    with pytest.raises(UserError, match="other values of arms"):
        Comparison.of_options(("base=checkout:/elsewhere", "head=checkout:.")).require_same(record)
    with pytest.raises(UserError, match="other values of blocks"):
        Comparison.of_options(CHECKOUTS, blocks=9).require_same(record)


def test_a_locustfile_that_changed_or_is_gone_is_refused(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("")
    record = recorded(Comparison.of_options(COMMANDS, users=Users(file)))
    assert Comparison.resumed(record, None).users == Users(file)
    file.write_text("# other users\n")
    with pytest.raises(UserError, match=r"mine\.py was changed since experiment mine was started"):
        Comparison.resumed(record, None)
    file.unlink()
    with pytest.raises(UserError, match=r"mine\.py cannot be read: No such file"):
        Comparison.resumed(record, None)


def test_a_record_without_a_secret_says_what_to_do():
    record = recorded(Comparison.of_options(("a=command:serve --password=***", "b=command:serve")))
    with pytest.raises(UserError, match="leaves out a secret of arm a; give all of its --arm once more"):
        Comparison.from_record(record)

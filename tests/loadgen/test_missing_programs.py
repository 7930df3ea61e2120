"""A machine without PgBouncer: what needs it is refused in one line, or left out of a profile, and the rest goes on."""

import json

import pytest

from loadgen import experiment, missing_programs
from loadgen.plan import make_plan
from loadgen.services import pgbouncer
from workbench import left_out_arms

DEPLOYMENTS = {"tuned-with-pgbouncer", "tuned-without-pool-with-pgbouncer", "as-advised-with-pgbouncer"}
REASON = "pgbouncer is not installed"


@pytest.fixture
def without_pgbouncer(monkeypatch, tmp_path):
    monkeypatch.setattr(pgbouncer, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def with_pgbouncer(monkeypatch, tmp_path):
    (tmp_path / "pgbouncer").write_text("")
    (tmp_path / "pgbouncer").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_profile_leaves_out_the_arms_that_need_it_and_says_so(without_pgbouncer, capsys):
    whole = make_plan("operations", None, 7)
    plan = whole.runnable()
    assert set(whole.deployments()) - set(plan.deployments()) == DEPLOYMENTS
    assert [spec for spec in whole.specs if spec.deployment not in DEPLOYMENTS] == list(plan.specs)
    assert len(plan.specs) == len(plan.expected_s)
    assert {(arm.deployment, arm.reason) for arm in plan.left_out} == {(name, REASON) for name in DEPLOYMENTS}
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"not measured: {', '.join(sorted(DEPLOYMENTS))}: {REASON}"


def test_a_record_says_why_an_arm_was_left_out(without_pgbouncer):
    facts = json.loads(json.dumps(make_plan("operations", None, 7).runnable().optional_facts()))
    assert left_out_arms.reason_for(facts, "tuned-with-pgbouncer", ["sustained-100"]) == REASON
    assert not left_out_arms.reason_for(facts, "tuned-with-pgbouncer", ["reads"])
    assert not left_out_arms.reason_for({}, "tuned-with-pgbouncer", ["sustained-100"])


def test_with_it_the_whole_profile_runs(with_pgbouncer, capsys):
    plan = experiment.plan_for(None, "operations", None, 7)
    assert plan == make_plan("operations", None, 7)
    assert plan.optional_facts() == {}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--deployment", "tuned-with-pgbouncer", "--scenario", "burst-25", "--scale", "small"),
        ("experiment", "--arm", "a=deployment:tuned", "--arm", "b=deployment:tuned-with-pgbouncer"),
        ("experiment", "--arm", "a=checkout:.", "--arm", "b=checkout:.", "--deployment", "tuned-with-pgbouncer"),
    ],
)
def test_a_command_that_names_it_is_refused_before_anything_starts(own_command, without_pgbouncer, arguments):
    refused = own_command.refuse(*arguments, PATH="")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"Error: tuned-with-pgbouncer cannot be run: {REASON}; install Debian's package pgbouncer\n"
    )
    assert own_command.runs() == set()


def test_a_deployment_without_a_pooler_lacks_nothing(without_pgbouncer):
    assert missing_programs.missing_for("tuned") == ""
    missing_programs.require_for("tuned")

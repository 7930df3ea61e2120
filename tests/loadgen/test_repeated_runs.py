"""Runs that a disturbance made invalid: which are made again, how often, and what the experiment then has."""

import json

import pytest

from loadgen import experiment_record, plan, profiles, repeated_runs
from loadgen.profile import Arm, Profile
from loadgen.run_spec import run_name
from tests.builders import ENVIRONMENT, seal_experiment
from tests.faulted_runs import faulted
from workbench.arms import BURST_50, TUNED
from workbench.record_format import FORMAT
from workbench.recording import open_experiment
from workbench.validity import DISPATCH_LAG, GENERATOR_CPU, LOOP_GAP, STEAL

FIRST = f"1-01-{TUNED}-{BURST_50}"
SECOND, THIRD = f"{FIRST}-repeat-1", f"{FIRST}-repeat-2"


class Repeating:
    """An experiment of one run; the test says which gates fail in each attempt."""

    def __init__(self, builder, attempts, repeats=2, scenario=BURST_50):
        self._builder, self._attempts = builder, list(attempts)
        arms = (Arm(TUNED, scenario, 1, 1),)
        self.plan = plan._plan(Profile("a test", "small", arms, repeats=repeats), "smoke", "small", 1, None)
        self.directory = builder.runs / "repeating"
        self.measured = []
        self.record = {
            "format": FORMAT, "experiment": "repeating", "profile": "smoke", "scale": "small", "seed": 1,
            "runs": experiment_record.entries(self.plan.specs), "searches": [], "environment": ENVIRONMENT,
            "status": "running",
        }  # fmt: skip

    def measure(self, timed, later_s):
        for spec, _ in timed:
            failed = self._attempts.pop(0)
            run = self._builder.run(spec.deployment, spec.scenario, block=spec.block)
            if failed:
                run.invalid(f"{failed[0].name}: 9, allowed {failed[0].threshold}")
                kept = [gate for gate in run.record["gates"] if gate["name"] not in {bound.name for bound in failed}]
                run.record["gates"] = [*kept, *(vars(bound.evaluate(9e9)) for bound in failed)]
            run.write(self.directory / run_name(spec))
            self.measured.append(run_name(spec))

    def carry_out(self):
        self.measure([(self.plan.specs[0], 1.0)], 0.0)
        repeated_runs.measure_repeats(self.plan, self.directory, self.record, self.measure)
        seal_experiment(self.directory, self.record | {"status": "complete"})
        return open_experiment(self.directory)


def test_a_disturbed_run_is_made_again_and_stays(builder):
    repeating = Repeating(builder, [(LOOP_GAP,), ()])
    experiment = repeating.carry_out()
    assert [run.name for run in experiment.runs] == repeating.measured == [FIRST, SECOND]
    assert [run.name for run in experiment.usable] == [SECOND]
    assert experiment.is_complete()
    assert not experiment.problems()


@pytest.mark.parametrize("failed", [(DISPATCH_LAG,), (LOOP_GAP, DISPATCH_LAG)])
def test_late_sends_of_a_generator_that_was_not_at_its_limit_are_a_disturbance(builder, failed):
    repeating = Repeating(builder, [failed, ()])
    assert [run.name for run in repeating.carry_out().usable] == [SECOND]


def test_a_run_is_made_again_no_more_than_the_profile_says(builder):
    repeating = Repeating(builder, [(LOOP_GAP,), (STEAL, LOOP_GAP), (STEAL,)])
    assert repeating.carry_out().usable == []
    assert repeating.measured == [FIRST, SECOND, THIRD]


@pytest.mark.parametrize("failed", [(), (GENERATOR_CPU,), (GENERATOR_CPU, DISPATCH_LAG), (GENERATOR_CPU, LOOP_GAP)])
def test_a_valid_run_and_one_that_is_invalid_by_another_gate_are_not_made_again(builder, failed):
    repeating = Repeating(builder, [failed])
    experiment = repeating.carry_out()
    assert repeating.measured == [FIRST]
    assert "repeats" not in experiment.record


def test_a_run_that_its_fault_ended_is_not_made_again(builder):
    repeating = Repeating(builder, [()], scenario="fault-kernel-killed")
    run = faulted(builder, "kernel-killed").invalid("stopped by SIGTERM")
    run.record["status"] = "aborted"
    run.record["gates"] = [vars(LOOP_GAP.evaluate(9e9))]
    run.write(repeating.directory / run_name(repeating.plan.specs[0]))
    repeated_runs.measure_repeats(repeating.plan, repeating.directory, repeating.record, repeating.measure)
    assert repeating.measured == []


def test_a_profile_without_repeats_makes_none(builder):
    repeating = Repeating(builder, [(LOOP_GAP,)], repeats=0)
    repeating.carry_out()
    assert repeating.measured == [FIRST]


def test_the_repeats_of_an_interrupted_experiment_stay_in_its_record(builder):
    repeating = Repeating(builder, [(LOOP_GAP,), (LOOP_GAP,), ()])
    repeating.carry_out()
    before = json.loads(json.dumps(repeating.record["repeats"]))
    repeating.measured.clear()
    repeating.measure = lambda timed, later_s: repeating.measured.extend(run_name(spec) for spec, _ in timed)
    repeated_runs.measure_repeats(repeating.plan, repeating.directory, repeating.record, repeating.measure)
    assert repeating.record["repeats"] == before
    assert repeating.measured == [SECOND, THIRD]  # it asks for them, and complete runs are kept


def test_only_the_profiles_with_faults_repeat():
    assert {name for name, profile in profiles.declared().items() if profile.repeats} == {
        "resilience",
        "resilience-short",
    }

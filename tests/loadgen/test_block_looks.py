"""Experiments that add blocks until all is decided: their plan, their looks, their end; and a stop after a block."""

import json
import sys
from dataclasses import replace

import pytest

from analysis.ablation import between_deployments
from loadgen import block_looks, experiment_record, plan, profiles, progress, stop_request
from loadgen.compared_arms import Comparison
from loadgen.profile import Arm, Profile
from loadgen.run_spec import run_name
from tests.builders import ENVIRONMENT, seal_experiment
from tests.loadgen.run_process import wait_for
from workbench.arms import BASELINE, BURST_50, TUNED
from workbench.errors import RecordingError, UserError
from workbench.primary_metrics import PrimaryMetric, to_record
from workbench.record_format import FORMAT
from workbench.recording import open_experiment

LOCUSTFILE = """
from locust import FastHttpUser, task

class Page(FastHttpUser):
    @task
    def page(self):
        self.client.get("/")
"""
SERVER = """
import http.server, sys, time

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(float(sys.argv[1]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"page")

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Page).serve_forever()
"""


@pytest.fixture
def words(tmp_path):
    """The options of an experiment with a baseline that takes 30 times as long as the other arm."""
    (tmp_path / "mine.py").write_text(LOCUSTFILE)
    (tmp_path / "server.py").write_text(SERVER)
    arms = [f"{name}=command:{sys.executable} {tmp_path / 'server.py'} {s} $PORT"
            for name, s in (("slow", 0.3), ("fast", 0.01))]  # fmt: skip
    options = ["--locustfile", str(tmp_path / "mine.py"), "--scenario", "burst-2"]
    return ["experiment", *(word for arm in arms for word in ("--arm", arm)), *options, "--experiment", "grown"]


def test_a_plan_has_the_looks_and_the_blocks_of_the_last_one():
    grown = plan.make_plan("database", None, 1, until_decided=10)
    assert grown.looks == (4, 8, 10)
    assert grown.blocks() == 10
    once = [arm for arm in profiles.find("database").arms if arm.blocks == 1]
    assert {spec.block for spec in grown.specs if spec.scenario == once[0].scenario} == {0}
    assert plan.make_plan("database", None, 1).looks == ()


def test_a_profile_that_compares_nothing_is_refused():
    with pytest.raises(UserError, match="the profile smoke compares nothing"):
        plan.make_plan("smoke", None, 1, until_decided=8)


def test_a_comparison_of_arms_has_looks_too(tmp_path):
    comparison = Comparison.of_options(("a=url:http://127.0.0.1:1", "b=url:http://127.0.0.1:2"), blocks=6)
    grown = plan.comparison_plan(comparison, None, 1, until_decided=6)
    assert (grown.looks, grown.blocks()) == ((4, 6), 6)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (("--until-decided", "3"), "is not in the range 4<=x<=200"),
        (("--until-decided", "8", "--blocks", "8"), "with --until-decided leave it out"),
    ],
)
def test_options_that_do_not_fit_are_refused(own_command, words, more, problem):
    refused = own_command.refuse(*words, *more)
    assert refused.returncode == 2
    assert problem in refused.stderr


class Growing:
    """An experiment of as-measured, which runs twice in a block, and tuned, whose runs the test writes."""

    def __init__(self, builder, slower, invalid=()):
        self._builder, self._slower, self._invalid = builder, slower, invalid
        arms = (Arm(BASELINE, BURST_50, 12, 1, replicated=True), Arm(TUNED, BURST_50, 12, 1))
        primary = (PrimaryMetric("makespan_s", BURST_50, (TUNED,)),)
        looks_ = (4, 8, 12)
        planned = plan._plan(Profile("arms of a test", "small", arms, primary=primary), "quick", "small", 1, None)
        self.plan = replace(planned, looks=looks_)
        self.directory = builder.runs / "growing"
        self.record = {
            "format": FORMAT, "experiment": "growing", "profile": "quick", "scale": "small", "seed": 1, "searches": [],
            "runs": experiment_record.entries(self.plan.specs), "environment": ENVIRONMENT, "status": "running",
            "looks": list(looks_), "primary_metrics": to_record(primary),
        }  # fmt: skip

    def measure(self, timed, later_s):
        for spec, _ in timed:
            slower = self._slower(spec.block) if spec.deployment == TUNED else 1.0
            run = self._builder.run(BASELINE, spec.scenario, block=spec.block, replicate=spec.replicate, slower=slower)
            run.record["deployment"]["name"] = spec.deployment
            run.record |= {"position": spec.position}
            if (spec.deployment, spec.block) in self._invalid:
                run.invalid()
            run.write(self.directory / run_name(spec))
        seal_experiment(self.directory, self.record)

    def grow(self):
        with progress.steps("measuring", 0.0) as shown:
            block_looks.measure_until_decided(self.plan, self.directory, self.record, self.measure, shown)
        seal_experiment(self.directory, self.record | {"status": "complete"})
        return open_experiment(self.directory)


def test_a_clear_difference_is_decided_at_the_first_look(builder, capsys):
    grown = Growing(builder, lambda block: 0.3 + 0.01 * (block % 3)).grow()
    assert grown.record["decided_after"] == 4
    assert (grown.is_complete(), len(grown.runs)) == (True, 12)
    assert "after 4 blocks every primary comparison is decided" in capsys.readouterr().err
    assert "looked at after 4, 8, 12 blocks, as fixed beforehand: decided after 4 blocks" in grown.summary()


def test_no_difference_takes_more_blocks(builder, capsys):
    grown = Growing(builder, lambda block: (0.97, 1.03, 1.06, 0.96)[block % 4]).grow()
    assert grown.record["decided_after"] in (8, 12)
    assert (
        "after 4 blocks 1 comparisons are inconclusive (makespan_s of tuned under burst-50); the next look is "
        "after 8" in capsys.readouterr().err
    )
    (effect,) = [table.effects[0] for table in between_deployments(grown, BASELINE, TUNED)
                 if table.metric.column == "makespan_s"]  # fmt: skip
    assert effect.verdict == "equivalent"


def test_what_stays_inconclusive_ends_with_the_last_look(builder, capsys):
    grown = Growing(builder, lambda block: (0.6, 1.5, 1.2)[block % 3]).grow()
    assert "decided_after" not in grown.record
    assert (grown.is_complete(), len(grown.runs)) == (True, 36)
    assert capsys.readouterr().err.count("the last look") == 1
    assert any("not every comparison is decided" in line for line in grown.summary())


def test_invalid_runs_decide_nothing(builder):
    growing = Growing(builder, lambda block: 0.3, invalid={(TUNED, block) for block in range(5)})
    assert growing.grow().record["decided_after"] == 12


def test_effects_have_the_level_of_their_look(builder):
    growing = Growing(builder, lambda block: 0.3 + 0.01 * (block % 3))
    grown = growing.grow()
    (effect, *_) = between_deployments(grown, BASELINE, TUNED)[0].effects
    assert effect.level == pytest.approx(1 - 0.05 / 9)
    del growing.record["looks"], growing.record["decided_after"]
    seal_experiment(growing.directory, growing.record | {"status": "complete"})
    (fixed, *_) = between_deployments(open_experiment(growing.directory), BASELINE, TUNED)[0].effects
    assert fixed.level == 0.95


@pytest.mark.parametrize("looks_", [[], [3], [8, 4], ["4"], 4, [4, 4], [4, 10**9]])
def test_looks_that_are_none_are_named_as_damage(builder, looks_):
    builder.experiment(builder.run(), name="made")
    record = json.loads((builder.runs / "made" / "experiment.json").read_text())
    seal_experiment(builder.runs / "made", record | {"looks": looks_})
    if not looks_:
        assert open_experiment(builder.runs / "made").runs
        return
    with pytest.raises(RecordingError, match="looks is"):
        open_experiment(builder.runs / "made")


@pytest.mark.exhaustive
def test_a_real_experiment_ends_at_a_look(own_command, words):
    done = own_command.run(*words, "--until-decided", "8", timeout=180)
    assert done.returncode == 0, done.stderr
    assert "after 4 blocks" in done.stderr
    experiment = open_experiment(own_command.data / "runs" / "grown")
    assert experiment.record["looks"] == [4, 8]
    if experiment.record.get("decided_after"):
        assert experiment.is_complete()
        assert max(run.block for run in experiment.runs) + 1 == experiment.record["decided_after"]
        assert any("looked at after 4, 8 blocks, as fixed beforehand: decided" in line for line in experiment.summary())
    else:
        assert len(experiment.runs) == 24


def test_a_stop_after_the_block_ends_it_there_and_it_can_be_resumed(own_command, words):
    directory = own_command.data / "runs" / "grown"
    with own_command.start(*words, "--blocks", "4") as process:
        wait_for(lambda: any(directory.glob("1-*/run.json")), 60, "run")
        stop_request.ask(directory)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped after block 1, as requested" in errors
    assert "resume it with" in errors
    assert "Traceback" not in errors
    assert {path.name[0] for path in directory.glob("*/run.json") for path in [path.parent]} == {"1"}
    assert not (directory / stop_request.AFTER_BLOCK).exists()
    assert own_command.processes() == []
    record = json.loads((directory / "experiment.json").read_text())
    assert record["status"] == "running"

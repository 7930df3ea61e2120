"""An experiment that is read back from the disk: its runs, whether it is complete, and which is the newest."""

import os

import pytest

from tests.faulted_runs import faulted
from tests.workbench.one_line import require_one_line
from workbench.arms import TUNED
from workbench.recording import RecordingError, arm, newest_experiment


def test_an_experiment_without_a_run_is_not_complete_and_can_be_shown(builder):
    experiment = builder.experiment()
    assert not experiment.is_complete()
    assert "0 of 0 planned runs" in repr(experiment)
    assert experiment._repr_html_()


def test_runs_that_are_all_of_another_machine_than_their_experiment_are_refused(builder):
    other = builder.run()
    other.record["environment"] = other.record["environment"] | {"cpu_count": 64}
    with pytest.raises(RecordingError) as excinfo:
        builder.experiment(other, environment=builder.run().record["environment"])
    require_one_line(excinfo, "differ in number of cores")


def test_runs_of_another_kernel_or_other_versions_are_marked(builder):
    other = builder.run(block=1)
    other.record["environment"] = other.record["environment"] | {"kernel": "6.2", "packages": {"Flask": "1"}}
    experiment = builder.experiment(builder.run(), other)
    assert experiment.differences == ["kernel", "versions of packages"]
    assert "its runs differ in kernel, versions of packages" in repr(experiment)
    assert "its runs differ in kernel, versions of packages" in experiment._repr_html_()
    assert builder.experiment(builder.run(), builder.run(block=1), name="alike").differences == []


@pytest.mark.parametrize(
    ("fact", "value", "name"),
    [
        ("cpu_count", 64, "number of cores"),
        ("postgresql", "17.1", "version of PostgreSQL"),
        ("commit", "fedcba", "commit"),
        ("changes", "0123456789ab", "local changes to the code"),
    ],
)
def test_runs_of_different_machines_or_code_are_no_experiment(builder, fact, value, name):
    first, other = builder.run(), builder.run("tuned")
    first.record["environment"] = first.record["environment"] | {"changes": None}
    other.record["environment"] = first.record["environment"] | {fact: value}
    with pytest.raises(RecordingError) as excinfo:
        builder.experiment(first, other)
    require_one_line(excinfo, f"differ in {name}")


def test_an_experiment_shows_itself_as_text_and_as_a_table(builder):
    experiment = builder.experiment(builder.run(), builder.run("tuned").invalid())
    text, html = repr(experiment), experiment._repr_html_()
    assert "1 of 2 planned runs are complete, valid and readable" in text
    assert "1-01-as-measured-burst-50" in text
    assert "<table" in html
    assert html.count("<tr") == 3
    run = experiment.runs[1]
    assert repr(run).startswith("tuned under burst-50, complete, not valid: ")
    assert "<table" in run._repr_html_()


def test_text_of_a_record_is_escaped(builder):
    run = builder.run().invalid("<script>alert(1)</script>")
    for row in run.rows_of("search"):
        row["endpoint"] = "GET /<script>"
    (shown,) = builder.experiment(run).runs
    html = shown._repr_html_()
    assert "<script>" not in html
    assert "<td>GET /&lt;script&gt;</td>" in html


def test_an_experiment_is_complete_when_every_planned_run_ended_by_itself(builder):
    assert builder.experiment(builder.run(), builder.run().invalid()).is_complete()


def test_a_run_that_was_stopped_by_hand_leaves_the_experiment_complete_and_enters_no_metric(builder):
    experiment = builder.experiment(builder.run(), builder.run(TUNED).stopped_by_hand())
    assert experiment.is_complete()
    kept, stopped = experiment.runs
    assert experiment.usable == [kept]
    assert (stopped.status, stopped.is_final, stopped.is_valid()) == ("aborted", True, False)
    assert stopped.headline() == ["tuned under burst-50, aborted, not valid: stopped by hand"]
    assert len(stopped.requests) > 0
    assert experiment.problems() == []


def test_a_run_that_its_fault_ended_leaves_the_experiment_complete_and_enters_no_metric(builder):
    experiment = builder.experiment(builder.run(), faulted(builder, "generator-killed").aborted())
    kept, ended = experiment.runs
    assert experiment.is_complete()
    assert experiment.usable == [kept]
    assert (ended.was_ended_by_fault, ended.is_final) == (True, True)
    assert (experiment.ended_by_fault, experiment.invalid) == ([ended], [])


@pytest.mark.parametrize("name", ["generator-killed", "bags-locked"])
def test_a_run_that_ended_before_its_fault_or_despite_it_is_not_final(builder, name):
    run = faulted(builder, name).aborted()
    if name == "generator-killed":
        run.record["faults"][0]["begin_us"] = None
    experiment = builder.experiment(run)
    assert not experiment.runs[0].is_final
    assert not experiment.is_complete()


def test_an_experiment_with_a_run_that_never_started_is_not_complete(builder):
    experiment = builder.experiment(builder.run(), not_started=("1-02-tuned-burst-50",))
    assert len(experiment.runs) == 1
    assert not experiment.is_complete()


def test_an_experiment_with_a_run_that_did_not_complete_is_not_complete(builder):
    assert not builder.experiment(builder.run(), builder.run().cut_off(), name="killed").is_complete()
    assert not builder.experiment(builder.run(), builder.run().aborted(), name="stopped").is_complete()


def test_an_experiment_that_says_it_is_running_is_not_complete(builder):
    assert not builder.experiment(builder.run(), status="running").is_complete()


def test_only_complete_and_valid_runs_are_found(builder):
    good = [builder.run(block=block) for block in (0, 3)]
    bad = (builder.run(block=1).invalid(), builder.run(block=2).aborted(), builder.run(block=4).cut_off())
    others = (builder.run("tuned"), builder.run("as-measured", "burst-25"))
    experiment = builder.experiment(good[0], *bad, good[1], *others)
    assert [run.block for run in experiment.find("as-measured", "burst-50")] == [0, 3]
    of = arm(experiment.by_run, "as-measured", "burst-50")
    assert dict(zip(of["block"], of["requests"], strict=True)) == {0: 150, 3: 150}


def test_a_baseline_has_two_runs_in_a_block(builder):
    runs = [builder.run("tuned", block=block, replicate=replicate) for block in (0, 1) for replicate in (True, False)]
    experiment = builder.experiment(*runs, builder.run("tuned", block=2))
    found = experiment.find("tuned", "burst-50")
    assert [(run.block, run.replicate) for run in found] == [(0, True), (0, False), (1, True), (1, False), (2, False)]
    assert experiment.blocks("tuned", "burst-50") == 3
    assert arm(experiment.by_run, "tuned", "burst-50")["requests"].to_list() == [150] * 5


def test_a_record_without_the_mark_is_no_replicate(builder):
    (run,) = builder.experiment(builder.run()).runs
    del run.record["replicate"]
    assert not run.replicate


def test_an_arm_that_was_not_run_has_no_rows(builder):
    assert arm(builder.experiment(builder.run()).by_run, "tuned", "burst-50").empty


def test_the_newest_experiment_is_the_complete_one_that_ended_last(builder):
    builder.experiment(builder.run("tuned", "burst-25"), name="old")
    builder.experiment(builder.run("tuned", "burst-25"), name="new")
    builder.experiment(builder.run("tuned", "burst-25").cut_off(), name="unfinished")
    damaged = builder.experiment(builder.run("tuned", "burst-25"), name="damaged").directory
    (damaged / "experiment.json").write_text("{")
    (builder.runs / "single-runs").mkdir()
    for age, name in enumerate(("damaged", "unfinished", "new", "old")):
        os.utime(builder.runs / name / "experiment.json", (1e9 - age, 1e9 - age))
    assert newest_experiment(builder.runs) == builder.runs / "new"


def test_without_a_complete_experiment_there_is_no_newest(builder):
    builder.experiment(builder.run().cut_off())
    with pytest.raises(RecordingError) as excinfo:
        newest_experiment(builder.runs)
    require_one_line(excinfo, str(builder.runs), "make report")

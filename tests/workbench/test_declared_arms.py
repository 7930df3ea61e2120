"""Several commits in one experiment: accepted where it declares them, refused everywhere else."""

import pytest

from tests.analysis.compared import SOURCE, compared
from workbench.errors import RecordingError


def test_runs_of_the_declared_commits_are_opened(builder):
    experiment = compared(builder, {"base": 1.0, "head": 1.0}, sources={"head": {"commit": "b" * 40}}, blocks=1)
    assert {run.record["deployment"]["source"]["commit"] for run in experiment.runs} == {"a" * 40, "b" * 40}


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"commit": "c" * 40}, "commit"),
        ({"changes": "0123", "dirty": True}, "local changes"),
        ({"schema": "9"}, "schema"),
    ],
)
def test_a_run_of_other_code_than_declared_is_refused(builder, change, fact):
    runs = [builder.run("tuned") for _ in "ab"]
    for run, name, source in zip(runs, ("base", "head"), (SOURCE, {**SOURCE, **change}), strict=True):
        run.record["deployment"] |= {"name": name, "source": source}
    arms = [{"name": name, **SOURCE} for name in ("base", "head")]
    with pytest.raises(RecordingError, match=f"differ in .*{fact} and cannot be compared"):
        builder.experiment(*runs, comparison={"arms": arms})


def test_sources_without_a_declaration_are_refused(builder):
    run = builder.run("tuned")
    run.record["deployment"] |= {"source": SOURCE}
    with pytest.raises(RecordingError, match="differ in what was put under load"):
        builder.experiment(run, builder.run("tuned", block=1))


def test_runs_of_another_commit_of_the_workbench_are_refused_as_ever(builder):
    runs = [builder.run("tuned", block=block) for block in range(2)]
    runs[1].record["environment"] = runs[1].record["environment"] | {"commit": "another"}
    with pytest.raises(RecordingError, match="differ in commit"):
        builder.experiment(*runs)


def test_an_arm_of_an_unknown_kind_is_no_record(builder):
    with pytest.raises(RecordingError, match=r"comparison\.arm\.kind is"):
        builder.experiment(builder.run("tuned"), comparison={"arms": [{"name": "a", "kind": "branch"}]})

"""Several commits in one experiment: accepted where it declares them, refused everywhere else."""

import pytest

from tests.analysis.compared import SOURCE, compared
from workbench.declared_arms import identity
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


OTHER = {"name": "b", **SOURCE}


@pytest.mark.parametrize(
    "arms",
    [
        [],
        [OTHER, OTHER],
        [OTHER, {**OTHER, "name": "../a"}],
        [OTHER, {"name": "a", "kind": "branch"}],
        [OTHER, {"name": "a", "kind": ["url"]}],
        [OTHER, {"name": "a", **SOURCE, "commit": 5}],
        [OTHER, {"name": "a", **SOURCE, "packages": ["flask"]}],
        {"a": SOURCE, "b": SOURCE},
    ],
)
def test_what_are_no_arms_is_no_record(builder, arms):
    with pytest.raises(RecordingError, match=r"comparison\.arms is"):
        builder.experiment(builder.run("tuned"), comparison={"arms": arms})


@pytest.mark.parametrize("source", ["checkout", {}, {"kind": "branch"}, {"kind": "url", "url": 1}])
def test_a_run_with_no_source_that_can_be_read_is_no_record(builder, source):
    run = builder.run("tuned")
    run.record["deployment"]["source"] = source
    with pytest.raises(RecordingError, match=r"deployment\.source is"):
        builder.experiment(run)


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"folder": "/elsewhere", "interpreter": "its own"}, True),
        ({"commit": "b" * 40}, False),
        ({"dirty": True, "changes": "0123"}, False),
        ({"kind": "command", "folder": "/elsewhere"}, False),
    ],
)
def test_one_commit_in_two_folders_is_one_source(change, is_same):
    assert (identity({**SOURCE, **change}) == identity(SOURCE)) is is_same


def test_changes_without_a_digest_belong_to_their_folder():
    changed = {**SOURCE, "dirty": True}
    assert identity({**changed, "folder": "/elsewhere"}) != identity(changed)

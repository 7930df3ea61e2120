"""The drawn experiment is one that the analysis uses: every run of it is valid, in every block."""

from bench import drawn_experiment
from workbench.recording import open_experiment


def test_every_drawn_run_is_usable(tmp_path):
    rows = drawn_experiment.rows_of_runs(20)
    drawn_experiment.create(tmp_path / "drawn", rows)
    experiment = open_experiment(tmp_path / "drawn", checks_digests=True)
    assert experiment.problems() == []
    assert len(experiment.usable) == drawn_experiment.BLOCKS * len(drawn_experiment.ARMS)
    assert experiment.by_run["requests"].sum() == rows

"""The drawn experiment is one that the analysis uses: every run of it is valid, in every block."""

import subprocess
import sys

import pytest

from bench import drawn_experiment
from workbench.paths import REPOSITORY
from workbench.recording import open_experiment


def test_every_drawn_run_is_usable(tmp_path):
    rows = drawn_experiment.rows_of_runs(20)
    drawn_experiment.create(tmp_path / "drawn", rows)
    experiment = open_experiment(tmp_path / "drawn", checks_digests=True)
    assert experiment.problems() == []
    assert len(experiment.usable) == drawn_experiment.BLOCKS * len(drawn_experiment.ARMS)
    assert experiment.by_run["requests"].sum() == rows


@pytest.mark.exhaustive
def test_all_sections_of_a_report_are_made_of_it(tmp_path):
    drawn_experiment.create(tmp_path / "drawn", drawn_experiment.rows_of_runs(200))
    command = [sys.executable, "-m", "bench.report_views", str(tmp_path / "drawn")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    duration_s, peak_gib = map(float, done.stdout.split())
    assert duration_s > 0
    assert peak_gib > 0

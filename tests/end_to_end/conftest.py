"""One whole report of the smallest experiment, built with the user's command, for the tests of this folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder of a smoke report: `data/`, `html/`, `executed/`, and the output of the command in `printed`."""
    folder = tmp_path_factory.mktemp("report")
    environ = {**os.environ, "TRACETRACK_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "reports", "report", "--profile", "smoke", "--output", str(folder / "html")]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (folder / "printed").write_text(done.stdout)
    return folder

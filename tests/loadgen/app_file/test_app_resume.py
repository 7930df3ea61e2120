"""An interrupted experiment of a `workbench.toml`: its id alone resumes it, with the hosts that were confirmed."""

import pytest

from loadgen.experiment import resume_hint
from tests.loadgen.page_server import LOCUSTFILE
from tests.loadgen.run_process import wait_for
from workbench.paths import REPOSITORY
from workbench.recording import open_experiment

FILE = """\
name = "Pages"
blocks = 2

[users]
locustfile = "users.py"

[arms.here]
url = "{url}"

[scenarios.alone]
load = "single"
passes = 5
"""


def interrupted(command, path, name, *words):
    """Start the experiment, and end it once a run of it is complete."""
    record = command.data / "runs" / name / "experiment.json"
    with command.start("experiment", "--app", str(path), "--experiment", name, *words) as process:
        wait_for(lambda: len(list(record.parent.glob("*/run.json"))) > 1, 60, "a complete run")
        process.terminate()
        errors = process.communicate(timeout=60)[1]
    assert f"resume it with: make report EXPERIMENT={name}" in errors


def test_host_that_was_confirmed_is_confirmed_when_the_experiment_is_resumed(own_command, pages, tmp_path):
    (tmp_path / "users.py").write_text(LOCUSTFILE)
    (tmp_path / "workbench.toml").write_text(FILE.format(url=pages))
    interrupted(own_command, tmp_path / "workbench.toml", "confirmed", "--confirm-target", "127.0.0.1")
    resumed = own_command.run("experiment", "--experiment", "confirmed", timeout=120)
    assert resumed.returncode == 0, resumed.stderr
    experiment = open_experiment(own_command.data / "runs" / "confirmed")
    assert experiment.is_complete()
    assert experiment.record["comparison"]["confirmed"] == ["127.0.0.1"]


def test_experiment_of_another_folder_is_resumed_in_the_repository(monkeypatch, tmp_path, capsys):
    """make has its targets in the repository alone."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    record = tmp_path / "runs" / "mine" / "experiment.json"
    record.parent.mkdir(parents=True)

    def interrupted_once_started():
        record.write_text("{}")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), resume_hint("mine"):
        interrupted_once_started()
    hint = f"experiment mine is not complete; resume it with: make -C {REPOSITORY} report EXPERIMENT=mine\n"
    assert capsys.readouterr().err == hint

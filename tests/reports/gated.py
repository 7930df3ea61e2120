"""Reports of built experiments for the tests of the gate, with objectives of their own."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analysis.findings import findings_file, objectives
from analysis.findings.evaluation import evaluate
from reports.__main__ import main
from tests.builders import Builder, RunFiles
from workbench.arms import BASELINE, TUNED

MET, BROKEN, MISSING = "at_least = 12", "at_least = 21", ""
# What the experiments declare: the duration and the CPU of both deployments.
PRIMARY = [
    {"metric": metric, "scenario": "burst-50", "deployments": [BASELINE, TUNED]} for metric in ("makespan_s", "cpu_ms")
]
SPREAD = (1.0, 1.01, 0.99, 1.0)  # of the service times over four blocks


def speedup(bound: str, name: str = "tuned-burst", deployment: str = TUNED) -> str:
    """An objective of `objectives.toml`."""
    return (
        f'[[objective]]\nid = "{name}"\nmetric = "speedup"\ndeployment = "{deployment}"\n'
        f'against = "as-measured"\nscenario = "burst-50"\n{bound}\n'
    )


def blocks(
    builder: Builder, *deployments: str, slower: float = 1.0, spread: Iterable[float] = SPREAD
) -> list[RunFiles]:
    """A run of each deployment in each block, slower by a factor that differs a little from block to block."""
    return [
        builder.run(deployment, block=block, slower=slower * factor)
        for block, factor in enumerate(spread)
        for deployment in deployments
    ]


class Gate:
    """The command, on a folder with the findings of one experiment, in a data folder of the test's own."""

    def __init__(self, folder: Path, set_objectives: Callable[[str], None]):
        self.builder = Builder(folder / "runs")
        self.html = folder / "html"
        self.objectives = set_objectives

    def report(self, *runs: RunFiles, name: str = "made", **record) -> Path:
        """Write an experiment of these runs and its findings; return its folder."""
        experiment = self.builder.experiment(*runs, name=name, primary_metrics=PRIMARY, **record)
        findings_file.write(evaluate(experiment), experiment, self.html / "findings.json")
        return experiment.directory

    def copy(self, experiment: Path) -> Path:
        """Take over a recorded experiment and report on it."""
        directory = Path(shutil.copytree(experiment, self.builder.runs / experiment.name))
        shutil.copytree(experiment.parent.parent / "html", self.html)
        return directory

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["gate", "--output", str(self.html), *arguments])

    def edit(self, change: Callable[[dict], object]) -> None:
        """Change the content of `findings.json`."""
        path = self.html / "findings.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))


def use_objectives(monkeypatch: pytest.MonkeyPatch, file: Path) -> Callable[[str], None]:
    """A function that puts other objectives into the place of those of the project."""
    load = objectives.load
    monkeypatch.setattr(objectives, "load", lambda: load(file))
    return lambda text: file.write_text(text) and None


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    made = Gate(tmp_path, use_objectives(monkeypatch, tmp_path / "objectives.toml"))
    made.objectives(speedup(MET))
    return made

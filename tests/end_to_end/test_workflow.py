"""The workflow for a hosted CI: it is one, it grants little, and its steps work on a stored experiment."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.builders import Builder
from tests.loadgen.checkouts import commit, git, replace
from workbench.arms import TUNED
from workbench.paths import REPOSITORY

FILE = REPOSITORY / ".github" / "workflows" / "performance.yml"
LEFT_OUT = (".venv", ".git", "tests", "runs", "postgres", "html", "executed", "__pycache__", ".*_cache")
EXPERIMENT = "20260101-000000-quick"


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load(FILE.read_text())


@pytest.fixture(scope="module")
def steps(workflow):
    (job,) = workflow["jobs"].values()
    return job["steps"]


@pytest.fixture(scope="module")
def commands(steps):
    """The `run` steps in their order, by name."""
    return {step["name"]: step["run"] for step in steps if "run" in step}


def test_it_runs_for_pull_requests_and_changes_of_main_with_few_rights(workflow):
    triggers = workflow[True]  # YAML 1.1 takes the key `on` for a truth value
    assert set(triggers) == {"pull_request", "push", "workflow_dispatch"}
    (job,) = workflow["jobs"].values()
    assert workflow["permissions"] == {"contents": "read"}
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert 0 < job["timeout-minutes"] <= 60
    assert "pull_request_target" not in FILE.read_text()
    assert "secrets." not in FILE.read_text()


def test_its_actions_are_pinned_to_a_major_version_at_least(steps):
    actions = [step["uses"] for step in steps if "uses" in step]
    assert [name.partition("@")[0] for name in actions] == [
        "actions/checkout",
        "actions/setup-python",
        "actions/cache",
        "actions/upload-artifact",
        "actions/upload-artifact",
    ]
    assert all(re.fullmatch(r"\S+@(v\d+|[0-9a-f]{40})", name) for name in actions)


def test_its_targets_and_files_are_those_of_the_project(steps, commands):
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = re.findall(r"\bmake (\w+)", "\n".join(commands.values()))
    assert targets == ["setup", "report", "gate"]  # and, with -C, setup of the merge base
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    uploaded = "\n".join(step["with"]["path"] for step in steps if "upload" in step.get("uses", ""))
    assert uploaded.split() == ["reports/html", "reports/executed", "data/runs"]
    hashed = re.findall(r"hashFiles\('([^']+)'\)", FILE.read_text())
    assert set(hashed) == {"requirements.lock", "reports/html/**/summary.md", "reports/html/comment.md"}


def test_no_expression_stands_in_a_command(commands):
    assert not [name for name, command in commands.items() if "${{" in command]


def test_what_is_behind_the_gate_runs_whatever_it_decides(steps):
    place = next(place for place, step in enumerate(steps) if step.get("run") == "make gate")
    assert all("!cancelled()" in step["if"] for step in steps[place + 1 :])
    assert not any("if" in step for step in steps[: place + 1])


class Checkout:
    """A copy of the project in which the steps run, with a stored experiment in place of a measurement."""

    def __init__(self, folder: Path):
        self.folder = shutil.copytree(REPOSITORY, folder / "project", ignore=shutil.ignore_patterns(*LEFT_OUT))
        (self.folder / ".venv").symlink_to(REPOSITORY / ".venv")
        (self.folder / "tests").mkdir()
        builder = Builder(self.folder / "data" / "runs")
        builder.experiment(builder.run(), builder.run(TUNED), name=EXPERIMENT)
        self.summary = folder / "step-summary.md"
        self.commented = folder / "commented"
        gh = folder / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {self.commented}\n')
        gh.chmod(0o755)
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
            "PATH": f"{gh.parent}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_REPOSITORY": "someone/somewhere",
            "PULL_REQUEST": "7",
        }

    def run(self, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        shell = ["bash", "-e", "-o", "pipefail", "-c", command]
        given = self._environ | environ
        return subprocess.run(
            shell, cwd=self.folder, env=given, capture_output=True, text=True, timeout=240, check=False
        )

    def commit(self, name: str) -> str:
        """Commit all changes, in a repository that is made for it, and return the id of the commit `name`."""
        if not (self.folder / ".git").exists():
            git(self.folder, "init", "--quiet")
        return git(commit(self.folder), "rev-parse", name)


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


PULL_REQUEST = ("Check out the merge base", "Measure it and the head", "Render the comparison", "Write the comment")


@pytest.mark.exclusive
def test_its_steps_compare_the_head_of_a_pull_request_with_its_merge_base(checkout, commands):
    """The base branch went on after the merge base; the head has a slower view."""
    merge_base = checkout.commit("HEAD")
    replace(checkout.folder / "README.md", "#", "# Later:")
    base = checkout.commit("HEAD")
    git(checkout.folder, "checkout", "--quiet", "--detach", merge_base)
    view = checkout.folder / "reference_app" / "dashboard.py"
    replace(view, "import logging\n", "import logging\nimport time\n")
    replace(view, "    shared = cached(", "    time.sleep(0.2)\n    shared = cached(")
    head = checkout.commit("HEAD")
    environ = {"BASE": base, "COMPARISON": "--scenario burst-8 --blocks 4 --scale small"}
    for name in PULL_REQUEST:
        finished = checkout.run(commands[name], **environ)
        assert finished.returncode == 0, finished.stderr
    record = json.loads((checkout.folder / "data" / "runs" / "commits" / "experiment.json").read_text())
    arms = {arm["name"]: (arm["commit"], arm["dirty"]) for arm in record["comparison"]["arms"]}
    assert arms == {"base": (merge_base, False), "head": (head, False)}
    decided = checkout.run(commands["Decide on the comparison"])
    assert decided.returncode == 1, decided.stdout
    comment = (checkout.folder / "reports" / "html" / "comment.md").read_text()
    assert f"base is commit {merge_base[:10]}, head is commit {head[:10]}" in comment


@pytest.mark.exhaustive
def test_its_steps_work_on_a_stored_experiment(checkout, commands):
    before = ("Install", "Decide")
    done = {name: checkout.run(commands[name]) for name in before}
    assert done["Install"].returncode == 0, done["Install"].stderr
    # Without a report the gate decides nothing, and says so where the summary is shown.
    assert "there is no findings.json yet" in done["Decide"].stdout
    built = checkout.run(f"make render EXPERIMENT={EXPERIMENT}")  # for make report, which would measure
    assert built.returncode == 0, built.stderr
    html = checkout.folder / "reports" / "html"
    assert json.loads((html / "findings.json").read_text())["experiment"] == EXPERIMENT
    gate = checkout.run(commands["Decide"])
    assert gate.returncode == 2  # of make; most objectives are not measured by two runs
    assert gate.stdout.startswith(f"inconclusive: experiment {EXPERIMENT}: ")
    for name in ("Write the comment", "Show the summary", "Comment"):
        finished = checkout.run(commands[name])
        assert finished.returncode == 0, finished.stderr
    summary = (html / "summary.md").read_text()
    assert summary.startswith(f"**inconclusive**: experiment {EXPERIMENT}: ")
    assert checkout.summary.read_text() == summary
    arguments = checkout.commented.read_text().splitlines()
    assert arguments[:5] == ["pr", "comment", "7", "--repo", "someone/somewhere"]
    assert (checkout.folder / arguments[-1]).read_text() == summary

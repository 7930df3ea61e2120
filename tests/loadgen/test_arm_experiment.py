"""Experiments that compare arms, by the real commands: a slower checkout, two commands, two URLs."""

import json
import os
import subprocess
import sys

import pytest

from tests.loadgen.checkouts import make_checkout, replace
from tests.loadgen.page_server import SLOW_PROGRAM, Pages, listening
from workbench import seal
from workbench.errors import RecordingError
from workbench.paths import REPOSITORY
from workbench.recording import open_experiment

LOAD = ("--scenario", "burst-8", "--blocks", "4")


def reports(command, output, *words):
    environ = {**os.environ, "TRACETRACK_DATA_DIR": str(command.data)}
    given = [sys.executable, "-m", "reports", *words, *(["--output", str(output)] if output else [])]
    return subprocess.run(given, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=120, check=False)


def measured(command, name, *words, **more):
    finished = command.run("experiment", *words, *LOAD, "--experiment", name, timeout=180, **more)
    assert finished.returncode == 0, finished.stderr
    return finished


def experiment_of(command, name):
    return open_experiment(command.data / "runs" / name, checks_digests=True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A checkout and one with a slower view, both with a space and an umlaut in their paths."""
    folder = tmp_path_factory.mktemp("checkouts")
    base, slower = make_checkout(folder / "mit Lücke"), make_checkout(folder / "langsam, ä")
    view = slower / "reference_app" / "dashboard.py"
    replace(view, "import logging\n", "import logging\nimport time\n")
    replace(view, "    shared = cached(", "    time.sleep(0.2)\n    shared = cached(")
    return base, slower


@pytest.fixture(scope="module")
def commits(command, folders):
    """The experiment of a commit, itself and a slower working tree."""
    base, slower = folders
    arms = (f"base=checkout:{base}", f"same=checkout:{base}", f"slower=checkout:{slower}")
    return measured(command, "commits", *(word for arm in arms for word in ("--arm", arm)), "--scale", "small")


@pytest.fixture(scope="module")
def page(command, commits, tmp_path_factory):
    """The folder of its page."""
    folder = tmp_path_factory.mktemp("page") / "html"
    built = reports(command, folder, "build", "--experiment", "commits")
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.exclusive
def test_each_run_names_the_code_that_served(command, commits, folders):
    assert "arms base and same are the same: any difference between them is noise" in commits.stderr
    experiment = experiment_of(command, "commits")
    assert len(experiment.runs) == 4 * 4
    sources = {run.deployment: run.record["deployment"]["source"] for run in experiment.runs}
    assert {name: source["folder"] for name, source in sources.items()} == {
        "base": str(folders[0]), "same": str(folders[0]), "slower": str(folders[1]),
    }  # fmt: skip
    assert [sources[name]["dirty"] for name in ("base", "same", "slower")] == [False, False, True]
    assert {run.record["seed"] for run in experiment.runs if run.block == 2} == {experiment.record["seed"] * 1000 + 2}


@pytest.mark.exclusive
def test_a_slower_checkout_is_a_regression_and_the_same_commit_is_none(command, page):
    slower = reports(command, page, "gate", "--baseline", "base", "--candidate", "slower")
    assert slower.returncode == 1, slower.stdout
    assert "regression: p95 latency of reads under burst-8: slower instead of base" in slower.stdout
    same = reports(command, page, "gate", "--baseline", "base", "--candidate", "same")
    assert same.returncode in (0, 3), same.stdout
    assert "regression" not in same.stdout
    without_candidate = reports(command, page, "gate", "--baseline", "base")
    assert (without_candidate.returncode, "it has same, slower" in without_candidate.stderr) == (2, True)
    assert reports(command, page, "gate").returncode == 1  # all arms against the declared baseline


@pytest.mark.exclusive
def test_its_page_leads_with_the_comparison_and_can_be_verified(command, page):
    text = (page / "optimization-results.html").read_text()
    heading = text.partition("<h1")[2].partition("</h1>")[0]
    assert "same and slower against base" in heading.replace("\n", " ")
    assert "with local changes" in heading
    assert "as-measured" not in text.partition("<body>")[2]
    verified = reports(command, None, "verify", str(page / "optimization-results.html"))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert (page / "commits.html").exists() or list(page.glob("*commits*.html"))
    assert "commits" in (page / "index.html").read_text()


@pytest.mark.exclusive
def test_runs_of_another_commit_than_declared_are_refused(command, commits, tmp_path):
    directory = command.data / "runs" / "commits"
    (run, *_) = experiment_of(command, "commits").runs
    path = run.directory / "run.json"
    content, sealed = path.read_text(), path.with_name("seal.json").read_text()
    record = json.loads(content)
    record["deployment"]["source"]["commit"] = "0" * 40
    seal.write(path, json.dumps(record))
    try:
        with pytest.raises(RecordingError, match="differ in commit and cannot be compared"):
            open_experiment(directory)
    finally:
        path.write_text(content)
        path.with_name("seal.json").write_text(sealed)


@pytest.mark.exclusive
def test_a_complete_comparison_is_never_changed_and_other_arms_are_refused(command, commits, folders):
    refused = command.run("experiment", "--experiment", "commits")
    assert (refused.returncode, "exists already" in refused.stderr) == (1, True)
    path = command.data / "runs" / "commits" / "experiment.json"
    content, sealed = path.read_text(), path.with_name("seal.json").read_text()
    seal.write(path, json.dumps(json.loads(content) | {"status": "running"}))
    try:
        arms = ("--arm", f"base=checkout:{folders[1]}", "--arm", f"same=checkout:{folders[0]}")
        refused = command.run("experiment", *arms, *LOAD, "--experiment", "commits")
        assert (refused.returncode, "was started with other values of arms" in refused.stderr) == (1, True)
        resumed = command.run("experiment", "--experiment", "commits")
        assert (resumed.returncode, resumed.stdout) == (0, "commits\n"), resumed.stderr
        assert "16 of 16 runs are complete" in resumed.stderr
    finally:
        path.write_text(content)
        path.with_name("seal.json").write_text(sealed)


@pytest.fixture
def users(tmp_path):
    """A locustfile whose users ask for one page."""
    (tmp_path / "users.py").write_text(
        "from locust import FastHttpUser, task\n\nclass One(FastHttpUser):\n    @task\n    def look(self):\n"
        '        self.client.get("/page")\n'
    )
    return str(tmp_path / "users.py")


@pytest.mark.exclusive
def test_commands_are_compared_with_their_cpu_time(command, users, tmp_path):
    (tmp_path / "my server.py").write_text(SLOW_PROGRAM)
    arms = (f"old=command:{sys.executable} 'my server.py' 0.2", f"new=command:{sys.executable} 'my server.py' 0.6")
    words = [word for arm in arms for word in ("--arm", arm)]
    measured(command, "commands", *words, "--locustfile", users, cwd=tmp_path)
    experiment = experiment_of(command, "commands")
    assert {run.status for run in experiment.runs} == {"complete"}
    assert [each["metric"] for each in experiment.record["primary_metrics"]] == ["makespan_s", "cpu_ms", "p95_ms"]
    assert all((run.directory / "command.log").exists() for run in experiment.runs)
    built = reports(command, tmp_path / "html", "build", "--experiment", "commands")
    assert built.returncode == 0, built.stderr
    gate = reports(command, tmp_path / "html", "gate", "--baseline", "old", "--candidate", "new")
    assert gate.returncode == 1, gate.stdout
    assert "regression: duration under burst-8: new instead of old" in gate.stdout
    assert not command.processes()


@pytest.mark.exclusive
def test_urls_are_compared_and_the_workbench_says_where_both_are_one(command, users, tmp_path):
    with listening(Pages) as url:
        words = ("--arm", f"a=url:{url}", "--arm", f"b=url:{url}", "--locustfile", users)
        finished = measured(command, "urls", *words)
    assert "arms a and b are the same" in finished.stderr
    built = reports(command, tmp_path / "html", "build", "--experiment", "urls")
    assert built.returncode == 0, built.stderr
    assert reports(command, tmp_path / "html", "gate", "--baseline", "a", "--candidate", "b").returncode in (0, 3)


@pytest.mark.exclusive
def test_a_command_that_ends_early_aborts_the_run_and_leaves_nothing(command, users):
    words = ("--arm", "a=command:sleep 0", "--arm", f"b=command:{sys.executable} -m http.server $PORT")
    finished = command.run("experiment", *words, *LOAD, "--locustfile", users, "--experiment", "early", timeout=120)
    assert finished.returncode == 1
    (error,) = [line for line in finished.stderr.splitlines() if line.startswith("Error: ")]
    assert "the command of arm a ended with code 0" in error
    assert "Traceback" not in finished.stderr
    assert not command.processes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--arm", "a=checkout:."), "one arm compares nothing"),
        (("--arm", "a=checkout:.", "--arm", "b=checkout:.", "--profile", "quick"), "takes the place of a profile"),
        (("--scenario", "burst-8"), "go with --arm; a profile has its own"),
        (("--arm", "a=checkout:.", "--arm", "b=checkout:.", "--blocks", "2"), "fewer than 4 blocks"),
        (("--arm", "a=url:http://127.0.0.1:1", "--arm", "b=nothing"), "is no arm; it looks like"),
    ],
)
def test_bad_input_is_answered_in_one_line(command, words, message):
    finished = command.refuse("experiment", *words)
    (line,) = finished.stderr.splitlines()
    assert message in line
    assert finished.returncode == 2


def test_an_arm_that_cannot_be_measured_is_named_before_anything_is(command, tmp_path):
    words = ("--arm", f"a=checkout:{REPOSITORY}", "--arm", f"b=checkout:{tmp_path}")
    finished = command.refuse("experiment", *words, "--experiment", "none")
    (line,) = finished.stderr.splitlines()
    assert f"arm b: {tmp_path} has no reference_app" in line
    assert (finished.returncode, (command.data / "runs" / "none").exists()) == (1, False)

"""Experiments that a `workbench.toml` declares, by the real commands: their runs, their report, and what goes wrong."""

import os
import secrets
import subprocess
import sys

import psutil
import pytest

from loadgen import machine_lock
from tests.loadgen.app_file import shop
from workbench.paths import REPOSITORY
from workbench.recording import open_experiment


def reports(command, output, *words):
    environ = {**os.environ, "TRACETRACK_DATA_DIR": str(command.data)}
    given = [sys.executable, "-m", "reports", *words, *(["--output", str(output)] if output else [])]
    return subprocess.run(given, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(scope="module")
def measured(command, tmp_path_factory):
    """The folder of the shop, whose experiment `shop` was measured and built, and that of its page."""
    folder = tmp_path_factory.mktemp("shop")
    path = shop.write(folder)
    built = reports(command, folder / "html", "report", "--app", str(path), "--experiment", "shop")
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture
def experiment(command, measured):
    return open_experiment(command.data / "runs" / "shop", checks_digests=True)


def rows(experiment, arm):
    """Successful and failed requests of an arm's first run, and the reasons, by endpoint."""
    return experiment.find(arm, "at-once")[0].rows.query(
        "SELECT endpoint, count(*) FILTER (ok) AS good, count(*) FILTER (NOT ok) AS bad, max(error) AS reason "
        "FROM measured GROUP BY endpoint ORDER BY endpoint"
    )


def test_each_arm_runs_in_each_block_the_baseline_twice_and_all_is_sealed(experiment):
    assert experiment.is_complete()
    assert experiment.problems() == []
    runs = [(run.block, run.deployment, run.record["replicate"]) for run in experiment.runs]
    arms = [("fast", False), ("fast", True), ("slow", False)]
    assert sorted(runs) == sorted((block, *arm) for block in range(4) for arm in arms)


def test_success_is_what_the_file_says(experiment):
    found = rows(experiment, "fast").set_index("endpoint")
    assert found["good"].to_dict() == {"GET /": 12, "GET /missing": 12, "GET /broken": 0}
    assert found["bad"].to_dict() == {"GET /": 0, "GET /missing": 0, "GET /broken": 12}
    assert found.loc["GET /broken", "reason"] == "/ok is false"


def test_reset_runs_before_each_run_of_its_arm_alone(measured):
    assert (measured / "resets.txt").read_text().splitlines() == ["emptied"] * 8


def test_load_begins_when_the_arm_is_ready(experiment):
    assert experiment.find("fast", "at-once")[0].totals["failures"] == 12  # of /broken, and none of an early start


def test_record_says_what_was_declared(experiment, measured):
    declared = experiment.record["comparison"]
    assert declared["application"]["file"] == str(measured / "workbench.toml")
    assert declared["arms"][0]["environment"] == "STARTS_IN=0.3 TAKES=0"
    assert declared["success"]["GET /missing"] == {"status": [404]}
    assert [each["id"] for each in declared["objectives"]] == ["quick", "too-quick"]


def test_page_has_the_name_the_objectives_and_a_word_on_parts(measured):
    text = " ".join((measured / "html" / "optimization-results.html").read_text().partition("<body>")[2].split())
    assert "Shop: fast and slow" in text
    assert "slow against fast" in text
    assert "GET /: p95 latency below" in text
    assert "the application sends no Server-Timing" in text
    assert "Latency, under at-once" in text
    assert "as-measured" not in text


@pytest.mark.exclusive
def test_gate_fails_for_the_objective_and_for_what_is_worse(command, measured):
    gate = reports(command, measured / "html", "gate")
    assert gate.returncode == 1, gate.stdout
    assert "fail: GET /: p95 latency below 50 ms, at-once on slow" in gate.stdout
    assert "regression: duration under at-once: slow instead of fast" in gate.stdout
    assert "below 2000 ms" not in gate.stdout


def test_page_can_be_verified(command, measured):
    verified = reports(command, None, "verify", str(measured / "html" / "optimization-results.html"))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def app(command, path, *words, **more):
    name = f"app-{secrets.token_hex(4)}"
    return command.run("experiment", "--app", str(path), "--experiment", name, *words, **more)


EMPTYING = "print('emptied', file=open('resets.txt', 'a'))"
BREAKDOWNS = {
    "an arm that never becomes ready": (
        ('ready = "/health"\nreset', 'ready = "/none"\nready_within_s = 1\nreset'), {}, "was not ready on port",
    ),
    "a reset that fails": ((EMPTYING, "raise SystemExit('no database')"), {}, "no database"),
    "a reset without an end": (
        (EMPTYING, "import time; time.sleep(60)"), {"reset_within_s": "1"},
        "did not end within 1 s",
    ),
    "an arm that raises": (
        (), {"shop": "import no_such"}, "ended with code 1: ModuleNotFoundError: No module named 'no_such'",
    ),
    "an arm that ends": ((), {"shop": "raise SystemExit('no configuration')"}, "ended with code 1: no configuration"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "more", "message"), BREAKDOWNS.values(), ids=BREAKDOWNS)
def test_breakdown_of_an_arm_is_one_line_and_leaves_nothing_behind(command, tmp_path, change, more, message):
    text = shop.FILE.replace(*change) if change else shop.FILE
    if limit := more.get("reset_within_s"):
        text = text.replace("\nreset =", f"\nreset_within_s = {limit}\nreset =")
    path = shop.write(tmp_path / "broken", text, more.get("shop", shop.SHOP))
    failed = app(command, path)
    assert failed.returncode == 1
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr
    folders = {each.pid: each.info["cwd"] or "" for each in psutil.process_iter(["cwd"])}
    assert [pid for pid, folder in folders.items() if folder.startswith(str(tmp_path))] == []


SHAPE = """

class Rising(LoadTestShape):
    def tick(self):
        seconds = self.get_run_time()
        return (2 if seconds < 1.5 else 5, 50) if seconds < 3 else None
"""
USES_NETWORK = "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/')\n"
UNUSABLE = {
    "a module that is missing": (
        "\nimport no_such", "ModuleNotFoundError in users.py, line 2: No module named 'no_such'",
    ),
    "an error in a module beside it": ("import beside", "ValueError in beside.py, line 2: no accounts"),
    "a module with a syntax error": (
        "import half", "SyntaxError in users.py, line 1: '(' was never closed (half.py, line 1)",
    ),
    "a file that is missing": ("open('accounts.csv')", "FileNotFoundError in users.py, line 1"),
    "an exit": ("raise SystemExit('set ACCOUNTS')", "set ACCOUNTS"),
    "no users": ("accounts = 3", "the locustfile has no class of users"),
    "users without a task": ("from locust import User\nclass Idle(User): pass", "no user class has a task"),
    "a load shape": (
        shop.USERS + "from locust import LoadTestShape" + SHAPE, "the locustfile has a load shape, Rising",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("users", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_locustfile_that_cannot_be_used_is_refused_before_anything_is_measured(command, tmp_path, users, message):
    path = shop.write(tmp_path / "unusable")
    path.with_name("beside.py").write_text("\nraise ValueError('no accounts')")
    path.with_name("half.py").write_text("x = (")
    locustfile = path.with_name("users.py")
    locustfile.write_text(users)
    runs = set((command.data / "runs").glob("*"))
    refused = app(command, path)
    assert refused.returncode == 1
    assert [line for line in refused.stderr.splitlines() if str(locustfile) in line and message in line]
    assert len(refused.stderr.splitlines()) == 1
    assert set((command.data / "runs").glob("*")) == runs


def test_a_locustfile_that_asks_the_application_is_left_to_the_run(command, tmp_path):
    path = shop.write(tmp_path / "asks")
    path.with_name("users.py").write_text(USES_NETWORK + shop.USERS)
    failed = app(command, path)
    assert failed.returncode == 1
    assert "ConnectionRefusedError" in failed.stderr
    assert "resume it with" in failed.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--profile", "quick"), "it has none; leave out the profile"),
        (("--blocks", "5"), "--app declares arms"),
        (("--arm", "a=command:x"), "--app declares arms"),
    ],
)
def test_options_that_the_file_declares_are_refused(command, tmp_path, words, message):
    refused = app(command, shop.write(tmp_path / "options"), *words)
    assert refused.returncode == 2
    assert message in refused.stderr


def test_shape_of_the_locustfile_decides_users_and_duration(command, tmp_path):
    text = shop.FILE[: shop.FILE.index("[[objectives]]")].replace("blocks = 4", "blocks = 1")
    text = text.replace('load = "burst"\nusers = 4\npasses = 3', 'load = "shape"')
    path = shop.write(tmp_path / "shaped", text[: text.index("[arms.slow]")] + text[text.index("[scenarios") :])
    users = path.with_name("users.py")
    users.write_text(shop.USERS.replace("import FastHttpUser", "import FastHttpUser, LoadTestShape, constant")
                     .replace("    @task", "    wait_time = constant(0.1)\n    @task") + SHAPE)  # fmt: skip
    made = app(command, path)
    assert made.returncode == 0, made.stderr
    experiment = open_experiment(command.data / "runs" / made.stdout.split()[-1])
    for run in experiment.runs:
        assert run.status == "complete"
        assert set(run.measured["user"]) == {0, 1, 2, 3, 4}
        first_s, last_s = run.measured["start_ms"].min() / 1000, run.measured["start_ms"].max() / 1000
        assert 2 < last_s - first_s < 4.5
        early = run.measured[run.measured["start_ms"] / 1000 < first_s + 1]
        assert set(early["user"]) == {0, 1}


def test_a_mistake_in_the_file_is_named_while_another_process_measures(command, tmp_path, monkeypatch):
    path = shop.write(tmp_path / "beside", shop.FILE.replace("blocks = 4", "bloks = 4"))
    monkeypatch.setenv("TRACETRACK_MACHINE_LOCK", "test-app-experiment")
    with machine_lock.sole_use():
        refused = command.run("experiment", "--app", str(path), TRACETRACK_MACHINE_LOCK="test-app-experiment")
    assert refused.returncode == 2
    assert 'no key "bloks"' in refused.stderr

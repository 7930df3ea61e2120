"""A report that is ended in the middle leaves no kernel, Locust, gunicorn or PostgreSQL behind."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from workbench.polling import attempts

from .conftest import ROOT

PATIENCE_S = 15


def processes_of(data):
    """Every process that was started with this data directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TRACETRACK_DATA_DIR") == str(data) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


def wait_until(condition, seconds, failure):
    if not any(condition() for _ in attempts(seconds, 0.1)):
        pytest.fail(failure())


def require_nothing_left(data):
    wait_until(lambda: not processes_of(data), PATIENCE_S, lambda: f"left running: {processes_of(data)}")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """One data directory for all, so that the server and its dataset are made once."""
    return tmp_path_factory.mktemp("interrupted")


class Running:
    """A report in the middle of its first run."""

    def __init__(self, data, html):
        self.html = html
        environ = {**os.environ, "TRACETRACK_DATA_DIR": str(data)}
        command = [sys.executable, "-m", "reports", "report", "--profile", "smoke", "--output", str(html)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True)
        wait_until(
            lambda: any("-m loadgen.generator" in line for line in processes_of(data)),
            60,
            lambda: "Locust was never started",
        )


@pytest.fixture
def running(data, tmp_path):
    started = Running(data, tmp_path / "html")
    with started.process:
        yield started
        started.process.kill()


OTHER_SIGNALS = [pytest.param(number, marks=pytest.mark.exhaustive) for number in (signal.SIGINT, signal.SIGKILL)]


@pytest.mark.parametrize("number", [signal.SIGTERM, *OTHER_SIGNALS], ids=lambda number: number.name)
def test_a_report_that_is_ended_leaves_nothing_running(running, data, number):
    running.process.send_signal(number)
    _, printed = running.process.communicate(timeout=PATIENCE_S)
    assert running.process.returncode == (-number if number == signal.SIGKILL else 130)
    assert "Traceback" not in printed
    require_nothing_left(data)
    assert not (running.html / "optimization-results.html").exists()
    if number != signal.SIGKILL:
        assert "resume it with: make report EXPERIMENT=" in printed


@pytest.mark.exhaustive
def test_a_kernel_that_is_killed_is_named(running, data):
    kernels = [child for child in psutil.Process(running.process.pid).children() if "ipykernel" in str(child.cmdline())]
    kernels[0].kill()
    _, printed = running.process.communicate(timeout=PATIENCE_S)
    assert running.process.returncode == 1
    assert "resume it with: make report EXPERIMENT=" in printed
    assert "kernel of 01-measure ended before the notebook: it was killed" in printed.splitlines()[-1]
    assert "Traceback" not in printed
    require_nothing_left(data)


def test_build_without_an_experiment_is_one_line(tmp_path):
    environ = {**os.environ, "TRACETRACK_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "reports", "build", "--output", str(tmp_path / "html")]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "make report" in done.stderr.strip().split("\n")[-1]
    assert "Traceback" not in done.stderr

"""`run --watch`: the requests of each second in a terminal, lines elsewhere, and the same end as without it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import pytest

from tests.loadgen.run_process import RunProcess
from workbench.paths import REPOSITORY

RUN = ("run", "--scale", "small", "--deployment", "tuned", "--watch", "--allow-invalid")


@pytest.fixture
def terminal():
    """Both ends of a terminal of 60 columns: the one to read from, and the one that a program writes to."""
    reading, writing = pty.openpty()
    fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 60, 0, 0))
    yield reading, writing
    os.close(reading)


def test_a_terminal_shows_the_seconds_and_then_the_summary(command, terminal):
    reading, writing = terminal
    environ = {name: value for name, value in command._environ.items() if name != "COLUMNS"}  # pytest-xdist sets it
    environ["TERM"] = "xterm"
    arguments = [*RUN, "--scenario", "sustained-8", "--duration", "3", "--warmup", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "loadgen", *arguments], stdin=writing, stdout=writing, stderr=writing, env=environ,
        cwd=REPOSITORY,
    )  # fmt: skip
    os.close(writing)
    shown = read_until_end(reading, process)
    assert process.wait() == 0
    assert "p95 ms" in shown
    assert "tuned sustained-8: measure" in shown
    assert "in flight" not in shown  # too narrow
    assert shown.index("tuned sustained-8: complete") < shown.index("latency of the successful responses")
    assert "\x1b[?25h" in shown  # the cursor is back
    assert "Traceback" not in shown


def read_until_end(reading, process):
    output = b""
    with suppress(OSError):  # the terminal is closed
        while process.poll() is None or select.select([reading], [], [], 0.2)[0]:
            if select.select([reading], [], [], 0.2)[0]:
                output += os.read(reading, 65536)
    return output.decode()


def test_ctrl_c_ends_it_as_without_watch(command):
    running = RunProcess(command, (*RUN, "--scenario", "sustained-20"))
    with running.process:
        running.process.send_signal(signal.SIGINT)
        _, errors = running.process.communicate(timeout=20)
    assert running.process.returncode == 130
    assert "can be read" in errors
    assert "Traceback" not in errors
    assert running.record()["status"] == "aborted"
    assert command.processes() == []
    assert not list(running.directory.glob("pool-now*"))


def test_a_name_is_the_folder_of_the_run_and_is_used_once(own_command):
    for name, problem in (("../x", "cannot be the id of a run"), ("taken", "there is a run taken already")):
        (own_command.data / "runs" / "single-runs" / "taken").mkdir(parents=True, exist_ok=True)
        refused = own_command.refuse("run", "--deployment", "tuned", "--scenario", "burst-8", "--name", name)
        assert refused.returncode == 2
        assert problem in refused.stderr

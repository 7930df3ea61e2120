"""Starting child processes: a signal is handled in time, and leaves no child behind."""

import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from loadgen.subprocesses import deferred_signals, start
from workbench.paths import REPOSITORY
from workbench.polling import attempts

# Ctrl-C arrives while the process forks; the child then writes its signal mask and waits.
INTERRUPTED_FORK = """
import os, pathlib, signal, sys
from loadgen.subprocesses import start
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    start("sleep", ["sleep", "60"], pathlib.Path(sys.argv[1]))
except KeyboardInterrupt:
    sys.exit(0 if os.system("pgrep -P %d -x sleep >/dev/null" % os.getpid()) else 2)
sys.exit(3)
"""
SIGNALS_OF_A_CHILD = """
import pathlib, sys
from loadgen.subprocesses import start
script = "import signal; print(signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, []))"
with start("child", [sys.executable, "-c", script], pathlib.Path(sys.argv[1])) as child:
    child.wait(20)
"""


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )


def test_the_end_of_a_child_is_seen_at_once(tmp_path):
    """Python's own wait looks 382 and 432 ms after the start, and so 40 ms after this child's end."""
    late_s = []
    for _ in range(5):
        with start("child", ["sh", "-c", "sleep 0.385; date +%s.%N"], tmp_path / "log") as child:
            assert child.wait(20)
            late_s.append(time.time() - float((tmp_path / "log").read_text().splitlines()[-1]))
    assert 0 <= min(late_s) < 0.03


def test_wait_returns_after_its_time(tmp_path):
    with start("child", ["sleep", "60"], tmp_path / "log") as child:
        before_s = time.monotonic()
        assert not child.wait(0.2)
        assert 0.2 <= time.monotonic() - before_s < 5
        child.kill()
        assert child.wait(20)
        assert child.process.returncode == -signal.SIGKILL
        child.kill()  # it has ended: nothing happens


def test_kill_ends_the_whole_group_of_a_child(tmp_path):
    with start("child", ["sh", "-c", "sleep 60 & sleep 60"], tmp_path / "log") as child:
        family = next(found for _ in attempts(20, 0.01) if len(found := psutil.Process(child.pid).children()) == 2)
        child.kill()
        assert child.wait(20)
    assert psutil.wait_procs(family, timeout=5)[1] == []


def test_start_interrupted_during_the_fork_raises_and_stops_the_child(tmp_path):
    finished = run(INTERRUPTED_FORK, str(tmp_path / "log"))
    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_child_handles_signals_as_any_process(tmp_path):
    assert run(SIGNALS_OF_A_CHILD, str(tmp_path / "log")).returncode == 0
    assert (tmp_path / "log").read_text() == "<built-in function default_int_handler> set()\n"


def test_a_deferred_signal_is_raised_after_the_block_and_once():
    reached = False
    with pytest.raises(KeyboardInterrupt), deferred_signals():  # noqa: PT012 -- what comes after the signal is the point
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with deferred_signals():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_the_block_just_runs():
    ran = []

    def block():
        with deferred_signals():
            ran.append(True)

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert ran == [True]

"""One measurement on a machine at a time: who comes second is told who is first."""

import os
import signal
import socket
import subprocess
import sys
import tempfile

import pytest

from loadgen import machine_lock
from workbench.errors import UserError
from workbench.paths import REPOSITORY

HOLD = "from loadgen import machine\nwith machine.sole_use(): print('held', flush=True); input()"
RUN = ("run", "--deployment", "tuned", "--scenario", "burst-25", "--scale", "small")
EXPERIMENT = ("experiment", "--profile", "smoke")


@pytest.fixture
def holder():
    """Another process that has the machine to itself."""
    command = [sys.executable, "-c", HOLD, "secret words", "of its own", "and more"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=REPOSITORY, **pipes) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("words", [RUN, EXPERIMENT], ids=lambda words: words[0])
def test_the_second_command_is_told_who_is_first(own_command, holder, words):
    finished = own_command.run(*words)
    (said,) = finished.stderr.splitlines()
    assert finished.returncode == 1
    assert said.startswith(f"Error: process {holder.pid} (python")
    assert said.endswith("is measuring on this machine; wait until it has ended")
    assert "and more" not in said
    assert list(own_command.data.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_process_that_is_ended_holds_nothing(holder, number):
    with pytest.raises(UserError, match=f"process {holder.pid} "), machine_lock.sole_use():
        pass
    holder.send_signal(number)
    holder.wait()
    with machine_lock.sole_use():
        pass


def test_children_hold_nothing():
    with machine_lock.sole_use():
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with machine_lock.sole_use():
            pass
    finally:
        child.kill()
        child.wait()


def test_after_many_refusals_it_is_held_all_the_same(monkeypatch):
    monkeypatch.setattr(machine_lock, "BACKLOG", 1)
    with machine_lock.sole_use():
        said = [refusal() for _ in range(4)]
    assert said[0].startswith(f"process {os.getpid()} (")
    assert said[-1].startswith("another process is measuring")


def test_who_does_not_listen_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr(machine_lock, "PATIENCE_S", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(b"\0" + os.environ[machine_lock.VARIABLE].encode())
        assert refusal().startswith("another process is measuring")


def test_where_the_kernel_has_no_such_names_a_file_is_locked(monkeypatch, tmp_path):
    monkeypatch.setattr(machine_lock.sys, "platform", "darwin")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with machine_lock.sole_use():
        assert refusal().startswith(f"process {os.getpid()} (")
    with machine_lock.sole_use():
        pass
    assert [path.read_text() for path in tmp_path.iterdir()] == [""]


def refusal():
    with pytest.raises(UserError) as refused, machine_lock.sole_use():
        pass
    return refused.value.message

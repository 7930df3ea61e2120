"""One measurement on a machine at a time: a second one is refused with the process that holds the lock."""

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

HOLD = "from loadgen import machine_lock\nwith machine_lock.sole_use(): print('held', flush=True); input()"
RUN = ("run", "--deployment", "tuned", "--scenario", "burst-25", "--scale", "small")
EXPERIMENT = ("experiment", "--profile", "smoke")


@pytest.fixture
def holder():
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, "secret words", "of its own", "and more"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=REPOSITORY, **pipes) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("words", [RUN, EXPERIMENT], ids=lambda words: words[0])
def test_a_second_command_is_refused_with_the_holder(own_command, holder, words):
    finished = own_command.run(*words)
    (line,) = finished.stderr.splitlines()
    assert finished.returncode == 1
    assert line.startswith(f"Error: process {holder.pid} (python")
    assert line.endswith("is measuring on this machine; wait until it has ended")
    assert "and more" not in line
    assert list(own_command.data.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_the_lock_is_free_after_its_holder_was_ended(holder, number):
    with pytest.raises(UserError, match=f"process {holder.pid} "), machine_lock.sole_use():
        pass
    holder.send_signal(number)
    holder.wait()
    with machine_lock.sole_use():
        pass


def test_the_lock_is_not_inherited_by_children():
    with machine_lock.sole_use():
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with machine_lock.sole_use():
            pass
    finally:
        child.kill()
        child.wait()


def test_the_lock_is_still_held_after_many_refusals(monkeypatch):
    monkeypatch.setattr(machine_lock, "BACKLOG", 1)
    with machine_lock.sole_use():
        messages = [refusal() for _ in range(4)]
    assert messages[0].startswith(f"process {os.getpid()} (")
    assert messages[-1].startswith("another process is measuring")


def test_a_holder_that_does_not_listen_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr(machine_lock, "BIND_TIMEOUT_S", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(b"\0" + os.environ[machine_lock.VARIABLE].encode())
        assert refusal().startswith("another process is measuring")


def test_without_abstract_sockets_a_file_is_locked(monkeypatch, tmp_path):
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

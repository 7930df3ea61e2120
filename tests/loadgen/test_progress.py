"""A bar with the time left on a terminal, plain lines elsewhere."""

import os
import pty
import re
import select
import signal
import time

import pytest

from loadgen import progress


@pytest.fixture
def terminal():
    """Both ends of a terminal: the one to read from, and the one that a program writes to."""
    reading, writing = pty.openpty()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def read(terminal):
    """The output so far; a terminal returns it in pieces."""
    output = b""
    while select.select([terminal], [], [], 0.2)[0]:
        output += os.read(terminal, 65536)
    return output.decode()


def show():
    with progress.steps("dataset", 4) as shown:
        shown.begin("keys", 2)
        shown.begin("indexes", 2)


def test_a_terminal_shows_a_bar_with_the_time_left(terminal, monkeypatch):
    reading, writing = terminal
    monkeypatch.setenv(progress.DESCRIPTOR, str(writing))
    show()
    output = read(reading)
    assert "50%|" in output
    assert "left" in output
    assert "dataset: indexes" in output
    assert output.rstrip().endswith("dataset: done in 0 s")


def test_the_bar_moves_within_a_step(terminal, monkeypatch):
    reading, writing = terminal
    monkeypatch.setenv(progress.DESCRIPTOR, str(writing))
    with progress.steps("dataset", 4) as shown:
        shown.begin("keys", 4)
        time.sleep(1.2)
        assert re.search(r"2[5-9]%\|.*00:0[23] left", read(reading))
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_without_a_terminal_each_step_is_a_line(capsys, monkeypatch):
    monkeypatch.delenv(progress.DESCRIPTOR, raising=False)
    show()
    assert capsys.readouterr().err.splitlines() == [
        "dataset:   0% keys",
        "dataset:  50% indexes",
        "dataset: done in 0 s",
    ]


def test_steps_of_no_time_are_done_at_once(terminal, monkeypatch):
    reading, writing = terminal
    monkeypatch.setenv(progress.DESCRIPTOR, str(writing))
    with progress.steps("measuring", 0):
        pass
    assert read(reading).rstrip().endswith("measuring: done in 0 s")


def test_a_failed_step_is_not_reported_as_done(capsys, monkeypatch):
    monkeypatch.delenv(progress.DESCRIPTOR, raising=False)
    with pytest.raises(ZeroDivisionError), progress.steps("dataset", 1):
        1 / 0  # noqa: B018
    assert "done" not in capsys.readouterr().err

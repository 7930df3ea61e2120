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
    """(the end that a person reads, the end that a program writes to)."""
    reading, writing = pty.openpty()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def read(terminal):
    """What was written until now; a terminal hands it out in pieces."""
    said = b""
    while select.select([terminal], [], [], 0.2)[0]:
        said += os.read(terminal, 65536)
    return said.decode()


def show():
    with progress.steps("dataset", 4) as shown:
        shown.begin("keys", 2)
        shown.begin("indexes", 2)


def test_a_terminal_shows_a_bar_with_the_time_left(terminal, monkeypatch):
    reading, writing = terminal
    monkeypatch.setenv(progress.DESCRIPTOR, str(writing))
    show()
    said = read(reading)
    assert "50%|" in said
    assert "left" in said
    assert "dataset: indexes" in said
    assert said.rstrip().endswith("dataset: done in 0 s")


def test_the_bar_moves_within_a_step(terminal, monkeypatch):
    reading, writing = terminal
    monkeypatch.setenv(progress.DESCRIPTOR, str(writing))
    with progress.steps("dataset", 4) as shown:
        shown.begin("keys", 4)
        time.sleep(1.2)
        assert re.search(r"2[5-9]%\|.*00:0[23] left", read(reading))
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_elsewhere_each_step_is_a_line(capsys, monkeypatch):
    monkeypatch.delenv(progress.DESCRIPTOR, raising=False)
    show()
    assert capsys.readouterr().err.splitlines() == [
        "dataset:   0% keys",
        "dataset:  50% indexes",
        "dataset: done in 0 s",
    ]


def test_nothing_to_do_is_done_at_once(terminal, monkeypatch):
    reading, writing = terminal
    monkeypatch.setenv(progress.DESCRIPTOR, str(writing))
    with progress.steps("measuring", 0):
        pass
    assert read(reading).rstrip().endswith("measuring: done in 0 s")


def test_a_step_that_failed_is_not_called_done(capsys, monkeypatch):
    monkeypatch.delenv(progress.DESCRIPTOR, raising=False)
    with pytest.raises(ZeroDivisionError), progress.steps("dataset", 1):
        1 / 0  # noqa: B018
    assert "done" not in capsys.readouterr().err

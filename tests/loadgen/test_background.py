"""A measurement beside a notebook: its output as it comes, its result, and how it ended."""

import os
import signal

import pytest

from loadgen.background import Measurement, run_experiment
from workbench.polling import attempts

PATIENCE_S = 30


@pytest.fixture
def measurement():
    """Starts `python -m loadgen` with these arguments; it is ended after the test."""
    started = []

    def start(*arguments):
        started.append(Measurement(arguments))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_lines_are_printed_once_and_the_last_one_is_the_result(measurement, capsys):
    listed = measurement("list")
    for _ in attempts(PATIENCE_S, 0.05):
        if not listed.print_new_lines():
            break
    assert not listed.print_new_lines()
    assert capsys.readouterr().out.splitlines() == listed.lines()
    assert len(listed.lines()) > 10
    assert (listed.result(), listed.problem(), listed.was_stopped) == (listed.lines()[-1], "", False)


def test_a_failure_is_the_error_of_the_command(capsys):
    with pytest.raises(RuntimeError, match="there is no profile 'nope'"):
        run_experiment(["--profile", "nope"])
    assert capsys.readouterr().out.startswith("Error: there is no profile 'nope'")


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [(signal.SIGTERM, KeyboardInterrupt, "stopped by SIGTERM"), (signal.SIGKILL, RuntimeError, "ended by SIGKILL")],
)
def test_a_signal_is_named(measurement, tmp_path, monkeypatch, number, error, message):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    going = measurement("run", "--target", "http://127.0.0.1:9", "--scenario", "burst-2")  # it waits for the target
    for _ in attempts(PATIENCE_S, 0.05):
        if going.lines():
            break
    os.kill(going._process.pid, number)
    assert going.wait(PATIENCE_S)
    with pytest.raises(error, match=message):
        going.result()

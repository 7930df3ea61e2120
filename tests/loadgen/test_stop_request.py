"""Requests to stop a run, or an experiment after its block: obeyed once, and harmless where they come too late."""

import json
import shutil
from contextlib import nullcontext

import pytest

from loadgen import experiment, progress, stop_request
from loadgen.run_spec import RunSpec
from loadgen.stop_request import StoppedByHand
from tests.loadgen.run_process import wait_for
from tests.loadgen.test_block_looks import words as words
from workbench.interruption import Interrupted
from workbench.recording import open_run
from workbench.request_stream import read_stream

BLOCK_5 = RunSpec(deployment="tuned", scenario="single", scale="small", seed=1, block=4)


@pytest.fixture
def run(tmp_path):
    """The folder of a run."""
    (tmp_path / "1-01-tuned-single").mkdir()
    return tmp_path / "1-01-tuned-single"


def test_a_request_is_obeyed_once(tmp_path):
    stop_request.ask(tmp_path / "none")
    stop_request.obey(tmp_path, 0)
    stop_request.ask(tmp_path)
    with pytest.raises(Interrupted, match="stopped after block 3"):
        stop_request.obey(tmp_path, 2)
    stop_request.obey(tmp_path, 3)


def test_a_request_between_two_looks_is_obeyed_before_the_next_block(tmp_path):
    stop_request.ask(tmp_path)
    with progress.steps("measuring", 1.0) as shown, pytest.raises(Interrupted, match="stopped after block 4"):
        experiment._measure(
            tmp_path, {}, None, shown, lambda allowed: nullcontext(pytest.fail), {}, [(BLOCK_5, 1.0)], 0
        )
    assert list(tmp_path.iterdir()) == []


def test_a_request_ends_the_time_between_two_blocks(tmp_path):
    stop_request.obey_while_waiting(tmp_path, 0, 0.0)
    stop_request.ask(tmp_path)
    with pytest.raises(Interrupted, match="stopped after block 1"):
        stop_request.obey_while_waiting(tmp_path, 0, 600.0)


def test_a_request_for_a_run_is_obeyed_once_and_by_that_run_alone(run):
    stop_request.ask_run(run)
    stop_request.obey_run(run.with_name("1-02-tuned-single"))
    with pytest.raises(StoppedByHand, match="stopped by hand"):
        stop_request.obey_run(run)
    stop_request.obey_run(run)
    assert list(run.parent.iterdir()) == [run]


def test_a_request_for_a_run_that_is_gone_leaves_nothing(run):
    stop_request.ask_run(run.with_name("none"))
    assert list(run.parent.iterdir()) == [run]


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"1-01-tuned-single\n", b"../1-01-tuned-single"])
def test_a_file_that_names_no_run_stops_none(run, content):
    run.with_name(stop_request.RUN).write_bytes(content)
    stop_request.obey_run(run)


def test_withdrawn_requests_stop_nothing(run):
    stop_request.ask_run(run)
    stop_request.ask(run.parent)
    stop_request.withdraw(run.parent)
    stop_request.obey_run(run)
    stop_request.obey(run.parent, 0)
    assert list(run.parent.iterdir()) == [run]


def test_a_run_whose_folder_is_deleted_ends_with_a_line(command, pages, locustfile):
    before = command.runs()
    given = ("--locustfile", locustfile, "--scenario", "sustained-2", "--duration", "60", "--warmup", "0")
    with command.start("run", "--target", pages, *given) as process:
        (stream,) = command.streams(before, 1)
        shutil.rmtree(stream.parent)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert errors.splitlines()[-1].startswith(f"Error: {stream.parent} was deleted while the run went on")
    assert "Traceback" not in errors
    assert command.processes() == []


def test_a_run_that_is_stopped_by_hand_keeps_its_rows_and_the_experiment_goes_on(own_command, words):
    directory = own_command.data / "runs" / "grown"
    steady = [word.replace("burst-2", "sustained-2") for word in words]
    with own_command.start(*steady, "--blocks", "4") as process:
        (stream,) = wait_for(lambda: list(directory.glob("1-01-*/requests-*.arrows")), 60, "stream")
        wait_for(lambda: sum(batch.num_rows for batch in read_stream(stream)) > 0, 20, "row")
        stop_request.ask_run(stream.parent)
        wait_for(lambda: list(directory.glob("1-02-*/requests-*.arrows")), 60, "next run")
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert f"{stream.parent.name} is not valid: stopped by hand" in errors
    assert "Traceback" not in errors
    stopped = open_run(stream.parent)
    assert (stopped.status, stopped.was_stopped_by_hand) == ("aborted", True)
    assert stopped.record["reasons"][0] == "stopped by hand"
    assert stopped.record["rows"] == len(stopped.requests) > 0
    assert stopped.requests["error"].dropna().empty  # the load ends before what serves it
    assert stopped.defects == ()
    record = json.loads((directory / "experiment.json").read_text())
    assert f"{stopped.name}/run.json" in record["files"]
    assert not (directory / stop_request.RUN).exists()
    assert own_command.processes() == []

"""Runs under faults, by the real command: what a signal in mid-fault, or a fault that ends the run, leaves behind."""

import json
import os
import shutil
import signal
import time
from contextlib import suppress

import psutil
import pytest

from analysis.faults.fault_outcome import outcome_of
from loadgen import kernel_run
from loadgen.missing_programs import missing_for
from loadgen.run_spec import RunSpec, run_name
from tests.loadgen.finished_run import directory_of, record_of
from tests.loadgen.run_process import RunProcess, wait_for
from workbench.errors import EXIT_INVALID
from workbench.faults import KEY
from workbench.recording import open_run

PATIENCE_S = 30
MAX_LOST_MS = 1500  # rows are written twice a second
SHORT = ("--scale", "small", "--warmup", "0")


def arguments(fault, deployment="tuned"):
    return ("run", "--deployment", deployment, "--scenario", f"fault-{fault}", *SHORT)


@pytest.fixture
def in_fault(command):
    """Starts a run and waits until its fault is in force."""
    runs = []

    def start(fault):
        running = RunProcess(command, arguments(fault))
        runs.append(running)
        wait_for(lambda: [entry for entry in running.record().get(KEY, ()) if entry["begin_us"]], PATIENCE_S, "fault")
        time.sleep(0.5)  # the record is written just before it begins
        return running

    yield start
    for running in runs:
        running.process.kill()
        running.process.communicate()


def stopped(command):
    """The processes of the command that stand still."""
    found = []
    for line in command.processes():
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(line.split()[0]))
            if process.status() == psutil.STATUS_STOPPED:
                found.append(line)
    return found


def require_nothing_left(command):
    wait_for(lambda: not command.processes(), PATIENCE_S, f"end of {command.processes()}")


STANDING_STILL = ("worker-stuck", "store-frozen", "backend-frozen")
OTHERS = ("database-stopped", "bags-locked", "black-hole", "store-away", "connections-used-up")


def each(faults, often):
    """The faults as parameters: a run takes some twenty seconds, so that not all are run often."""
    return [
        pytest.param(fault, marks=pytest.mark.resilience if fault in often else pytest.mark.exhaustive)
        for fault in faults
    ]


@pytest.mark.parametrize("fault", each(STANDING_STILL + OTHERS, ("worker-stuck", "database-stopped")))
def test_ctrl_c_in_mid_fault_ends_everything_and_leaves_an_aborted_run(command, in_fault, fault):
    running = in_fault(fault)
    if fault in STANDING_STILL:
        assert stopped(command)
    running.process.send_signal(signal.SIGINT)
    _, errors = running.process.communicate(timeout=PATIENCE_S)
    require_nothing_left(command)
    assert running.process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "can be read" in errors
    recorded = open_run(running.directory)
    assert recorded.status == "aborted"
    assert len(recorded.requests) > 0
    (entry,) = recorded.record[KEY]
    assert (entry["name"], entry["reason"]) == (fault, "")
    assert not list(running.directory.glob("*.control"))


@pytest.mark.exhaustive
def test_server_that_a_fault_stopped_serves_the_next_run_after_ctrl_c(command, in_fault):
    running = in_fault("database-stopped")
    running.process.send_signal(signal.SIGINT)
    running.process.communicate(timeout=PATIENCE_S)
    finished = command.run("run", "--deployment", "tuned", "--scenario", "single", "--scale", "small")
    assert record_of(finished)["status"] == "complete"


@pytest.mark.parametrize("fault", each(STANDING_STILL, ("store-frozen",)))
def test_killed_workbench_leaves_nothing_that_stands_still(command, in_fault, fault):
    running = in_fault(fault)
    assert stopped(command)
    running.process.kill()
    running.process.communicate(timeout=PATIENCE_S)
    require_nothing_left(command)
    assert running.record()["status"] == "running"
    assert len(open_run(running.directory).requests) > 0


def ended_by_its_fault(command, fault):
    before = command.runs()
    finished = command.run(*arguments(fault), timeout=90)
    (directory,) = command.runs() - before
    require_nothing_left(command)
    assert finished.returncode == EXIT_INVALID, finished.stderr
    assert "Traceback" not in finished.stderr
    return directory, finished.stderr, json.loads((directory / "run.json").read_text())


@pytest.mark.resilience
def test_run_whose_generator_is_killed_is_aborted_and_loses_half_a_second_of_rows_and_no_write(command):
    directory, errors, record = ended_by_its_fault(command, "generator-killed")
    assert "The run ended by its fault, and is not valid: Locust " in errors
    (fault,) = record[KEY]
    recorded = open_run(directory)
    assert (record["status"], record["valid"], recorded.status) == ("aborted", False, "aborted")
    assert "was ended by signal 9 in mid-run" in record["reasons"][0]
    assert fault["begin_us"] == fault["end_us"]
    assert recorded.requests["start_ms"].max() > fault["begin_us"] / 1000 - MAX_LOST_MS
    assert (record["writes"]["lost"], record["writes"]["doubled"]) == (0, 0)


@pytest.mark.resilience
def test_run_whose_disk_is_full_is_aborted_and_readable(command, mount):
    directory, errors, record = ended_by_its_fault(command, "recording-disk-full")
    assert "The run ended by its fault, and is not valid: " in errors
    assert "No space left on device" in record["reasons"][0]
    (fault,) = record[KEY]
    recorded = open_run(directory)
    assert (record["status"], recorded.status, recorded.defects) == ("aborted", "aborted", ())
    assert recorded.requests["start_ms"].max() > fault["begin_us"] / 1000 - MAX_LOST_MS
    assert (record["writes"]["lost"], record["writes"]["doubled"]) == (0, 0)
    assert not {".ballast", ".reserve"} & {path.name for path in directory.iterdir()}


@pytest.mark.resilience
def test_run_whose_session_folder_is_full_refuses_cleanly_and_recovers(command, mount):
    finished = command.run(*arguments("sessions-full", "tuned-without-shared-sessions"), timeout=90)
    outcome = outcome_of(open_run(directory_of(finished)))
    assert outcome.refused > 0
    assert (outcome.unclean, outcome.before, outcome.left_behind) == (0, 0, "")
    assert (outcome.lost, outcome.doubled) == (0, 0)


@pytest.mark.resilience
def test_run_whose_worker_gets_no_memory_loses_no_write(command):
    if reason := missing_for("tuned-in-512-mib", "fault-worker-out-of-memory"):
        pytest.skip(reason)
    finished = command.run(*arguments("worker-out-of-memory", "tuned-in-512-mib"), timeout=90)
    record = record_of(finished)
    (fault,) = record[KEY]
    if fault["begin_us"] is None:
        pytest.skip(fault["reason"])
    assert record["memory"]["oom_kills"] >= 1
    assert (record["writes"]["lost"], record["writes"]["doubled"]) == (0, 0)


@pytest.mark.resilience
def test_kernel_that_is_killed_leaves_no_process_and_every_row(tmp_path):
    spec = RunSpec(deployment="tuned", scenario="fault-kernel-killed", scale="small", seed=1)
    record = kernel_run.execute(spec, tmp_path / "runs" / "killed" / run_name(spec))
    (fault,) = record[KEY]
    assert (record["status"], record["reasons"][0]) == ("aborted", "stopped by SIGTERM")
    assert (fault["begin_us"], fault["reason"]) == (fault["end_us"], "")
    assert fault["begin_us"] is not None
    recorded = open_run(tmp_path / "runs" / "killed" / run_name(spec))
    assert outcome_of(recorded).rows_lost == 0


def test_command_without_the_right_to_mount_refuses_the_full_disk_in_one_line(command):
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can give up a right")
    finished = command.run(*arguments("recording-disk-full"), before=("setpriv", "--bounding-set=-sys_admin"))
    assert finished.returncode == 1
    (line,) = finished.stderr.splitlines()
    assert "a small disk needs the right to mount one, which root has" in line


@pytest.mark.exhaustive
def test_fault_of_a_server_that_is_not_the_workbenchs_is_recorded_as_not_made(command, server):
    finished = command.run(*arguments("database-stopped"), timeout=120, DATABASE_URL=server.url)
    (fault,) = record_of(finished)[KEY]
    assert (fault["begin_us"], fault["end_us"]) == (None, None)
    assert fault["reason"] == "the server of DATABASE_URL is not the workbench's to stop"

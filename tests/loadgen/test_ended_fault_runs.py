"""Runs that their fault ends: what is recorded of writes and connections all the same, and of other runs not."""

import json
import signal

import pytest

from loadgen import kernel_run, run_faults
from loadgen.run_spec import RunSpec, run_name
from tests.loadgen.run_process import RunProcess, wait_for
from workbench.faults import KEY

PATIENCE_S = 30
SHORT = ("--scale", "small", "--warmup", "0")
SOUND = {"lost": 0, "doubled": 0, "wrong_user": 0}


def require_compared(record):
    """Of a run of tuned that its fault ended: writes and connections are recorded, and nothing is lost or leaked."""
    assert record["status"] == "aborted"
    assert {name: record["writes"][name] for name in SOUND} == SOUND
    assert record["writes"]["acknowledged"] > 0
    connections = record[run_faults.CONNECTIONS]
    assert 0 < connections["after_load"] <= connections["allowed"]
    assert (connections["idle_in_transaction"], connections["after_stop"]) == (0, 0)


@pytest.mark.resilience
def test_run_whose_kernel_is_killed_is_audited_and_its_connections_are_counted(tmp_path):
    spec = RunSpec(deployment="tuned", scenario="fault-kernel-killed", scale="small", seed=1)
    record = kernel_run.execute(spec, tmp_path / "runs" / "killed" / run_name(spec))
    assert record[KEY][0]["reason"] == ""  # no process outlived the kernel
    require_compared(record)


@pytest.mark.resilience
@pytest.mark.parametrize("fault", ["generator-killed", "recording-disk-full"])
def test_run_that_its_fault_ends_is_audited_and_its_connections_are_counted(command, mount, fault):
    before = command.runs()
    command.run("run", "--deployment", "tuned", "--scenario", f"fault-{fault}", *SHORT, timeout=90)
    (directory,) = command.runs() - before
    require_compared(json.loads((directory / "run.json").read_text()))


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", ["generator-killed", "bags-locked"])
def test_run_that_ctrl_c_ends_before_its_fault_is_not_audited(command, fault):
    running = RunProcess(command, ("run", "--deployment", "tuned", "--scenario", f"fault-{fault}", *SHORT))
    try:
        running.process.send_signal(signal.SIGINT)
        running.process.communicate(timeout=PATIENCE_S)
    finally:
        running.process.kill()
    wait_for(lambda: not command.processes(), PATIENCE_S, "end of all processes")
    record = running.record()
    assert (record["status"], [entry["begin_us"] for entry in record.get(KEY, ())]) == ("aborted", [None])
    assert not {"writes", run_faults.CONNECTIONS} & set(record)

"""Runs that are disturbed, by their generator or by other processes: none of them is valid."""

import json
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from loadgen.environment import SHARED_MACHINE
from workbench.errors import EXIT_INVALID
from workbench.validity import LOOP_GAP, OTHERS_CPU, OTHERS_CPU_PEAK, STEAL

from . import reference_server

pytestmark = pytest.mark.exclusive

LOCUSTFILE = Path(__file__).with_name("stalling_users.py")
BUSY_LOOP = "while True: pass"
BURST = ("run", "--deployment", "tuned", "--scenario", "burst-50", "--scale", "small")


@contextmanager
def busy_loops(number):
    """Processes that compute and do nothing else, once they do."""
    with ExitStack() as stack:
        for _ in range(number):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", BUSY_LOOP]))
            stack.callback(process.kill)
        time.sleep(0.5)
        yield


def gates_of(finished):
    record = json.loads((Path(finished.stdout.splitlines()[-1]) / "run.json").read_text())
    return record, {gate["name"]: gate for gate in record["gates"]}


@pytest.fixture
def stalled(command, tmp_path):
    """Run the users that stall against the reference server."""

    def run(scenario, stall_ms, every_s, kind, *arguments):
        with reference_server.running(tmp_path / "log.csv", "--seed", "4") as (_, port):
            target = ("--target", f"http://127.0.0.1:{port}", "--locustfile", str(LOCUSTFILE))
            environ = {"STALL_MS": str(stall_ms), "STALL_EVERY_S": str(every_s), "STALL_KIND": kind, SHARED_MACHINE: ""}
            return command.run("run", *target, "--scenario", scenario, *arguments, **environ)

    return run


@pytest.mark.parametrize(
    ("scenario", "kind", "every_s", "arguments"),
    [
        ("open-100", "sleep", 5, ("--duration", "6", "--warmup", "0")),
        ("sustained-50", "compute", 5, ("--duration", "6", "--warmup", "0")),
        ("burst-20", "sleep", 0.1, ()),
        ("burst-20", "compute", 0.1, ()),
    ],
)
def test_a_generator_that_stalls_makes_the_run_invalid(stalled, scenario, kind, every_s, arguments):
    finished = stalled(scenario, 45, every_s, kind, *arguments)
    record, gates = gates_of(finished)
    assert (finished.returncode, record["valid"]) == (EXIT_INVALID, False)
    assert 22 <= gates[LOOP_GAP.name]["value"] <= 100  # less the time until the watch is due
    assert any(reason.startswith(LOOP_GAP.name) for reason in record["reasons"])


def test_busy_loops_beside_a_burst_make_it_invalid(command):
    with busy_loops(3):
        finished = command.run(*BURST, **{SHARED_MACHINE: ""})
    record, gates = gates_of(finished)
    assert (finished.returncode, record["valid"]) == (EXIT_INVALID, False)
    assert gates[OTHERS_CPU.name]["value"] > 0.2
    assert any(reason.startswith(OTHERS_CPU.name) for reason in record["reasons"])


def test_a_burst_alone_on_the_machine_is_not_disturbed(command):
    _, gates = gates_of(command.run(*BURST, **{SHARED_MACHINE: ""}))
    assert all(gates[bound.name]["passed"] for bound in (LOOP_GAP, OTHERS_CPU, STEAL))
    assert gates[OTHERS_CPU_PEAK.name]["passed"] is None  # the burst is over within a second

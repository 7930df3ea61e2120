"""The freezer: processes stand still, and go on whatever ends the process that froze them."""

import os
import subprocess
import sys

import psutil
import pytest

from loadgen.fault_injection.freezer import freezer
from tests.processes import wait_until

FREEZES_AND_WAITS = """
import sys, time
from pathlib import Path
from loadgen.fault_injection.freezer import freezer

if __name__ == "__main__":
    with freezer(Path(sys.argv[1])) as freezing:
        freezing.freeze(int(sys.argv[2]))
        time.sleep(60)
"""


@pytest.fixture
def process():
    with subprocess.Popen(["sleep", "60"]) as started:
        yield started
        started.kill()


def stands_still(process):
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


def test_frozen_process_stands_still_until_it_is_thawed(process, tmp_path):
    with freezer(tmp_path / "freezer.log") as freezing:
        freezing.freeze(process.pid)
        wait_until(lambda: stands_still(process))
        freezing.thaw(process.pid)
        wait_until(lambda: not stands_still(process))


def test_freezer_that_ends_thaws_what_is_frozen(process, tmp_path):
    with freezer(tmp_path / "freezer.log") as freezing:
        freezing.freeze(process.pid)
        wait_until(lambda: stands_still(process))
    assert not stands_still(process)


def test_killed_parent_of_the_freezer_leaves_nothing_frozen(process, tmp_path):
    script = tmp_path / "freezing.py"
    script.write_text(FREEZES_AND_WAITS)
    with subprocess.Popen([sys.executable, script, tmp_path / "freezer.log", str(process.pid)]) as parent:
        wait_until(lambda: stands_still(process))
        freezers = [child.pid for child in psutil.Process(parent.pid).children()]
        parent.kill()
    wait_until(lambda: not stands_still(process))
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in freezers))


def test_freezer_passes_over_processes_that_have_ended_or_are_not_its_own(process, tmp_path):
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    log = tmp_path / "freezer.log"
    os.kill(process.pid, 19)  # SIGSTOP by another
    wait_until(lambda: stands_still(process))
    with freezer(log) as freezing:
        freezing.freeze(ended.pid)
        freezing.thaw(ended.pid)
        freezing.thaw(process.pid)
    assert stands_still(process)
    assert log.read_text() == ""

"""Readings of processes that take a known CPU time."""

import subprocess
import sys
import time

import pandas as pd
import pytest

from loadgen.collectors.process_reader import ProcessReader

# Twenty children one after the other, each gone long before the next slow reading.
SHORT_LIVED = """
import subprocess, sys
print("ready", flush=True)
sys.stdin.readline()
burn = "import time\\nend = time.process_time() + 0.05\\nwhile time.process_time() < end: pass"
for _ in range(20):
    subprocess.run([sys.executable, "-S", "-c", burn])
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def parent():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", SHORT_LIVED], **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_read_counts_children_that_ended_between_two_readings(parent, tmp_path):
    reader = ProcessReader({"server": parent.pid}, time.monotonic_ns(), tmp_path)
    reader.read(slow=True)
    parent.stdin.write("\n")
    parent.stdin.flush()
    assert parent.stdout.readline() == "done\n"
    reader.read()
    reader.close()
    rows = pd.read_parquet(tmp_path / "process.parquet").query("role == 'server'")
    assert rows["cpu_us"].iloc[0] == 0
    assert rows["cpu_us"].iloc[1] >= 20 * 50_000


def test_read_includes_the_stall_time_of_the_machine(parent, tmp_path):
    reader = ProcessReader({"server": parent.pid}, time.monotonic_ns(), tmp_path)
    reader.read()
    reader.read()
    reader.close()
    rows = pd.read_parquet(tmp_path / "process.parquet")
    machine = rows[rows["role"] == "machine"]
    if machine.empty:
        pytest.skip("this kernel does not count it")
    assert machine["stalled_us"].is_monotonic_increasing
    assert machine["cpu_us"].isna().all()

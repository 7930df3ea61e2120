"""Readings of processes that take a known CPU time."""

import os
import subprocess
import sys
import time

import pandas as pd
import pytest

from loadgen.collectors import process_clock, process_reader
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


THREADS = """
import sys, threading, time
def burn():
    end = time.thread_time() + 0.203
    while time.thread_time() < end: pass
def run():
    thread = threading.Thread(target=burn)
    thread.start()
    thread.join()
for line in sys.stdin:
    run()
    print(time.process_time_ns(), flush=True)
"""


@pytest.fixture
def threaded():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", THREADS], **pipes) as process:
        yield process
        process.kill()


def test_cpu_time_is_exact_and_includes_ended_threads(threaded):
    if process_clock.cpu_ns(os.getpid()) is None:
        pytest.skip("this system has no such clock")
    for _ in range(3):
        threaded.stdin.write("\n")
        threaded.stdin.flush()
        own_ns = int(threaded.stdout.readline())
        assert own_ns <= process_clock.cpu_ns(threaded.pid) <= own_ns + 5_000_000
    threaded.kill()
    threaded.wait()
    assert process_clock.cpu_ns(threaded.pid) is None


def test_read_without_the_clock_takes_ticks(parent, tmp_path, monkeypatch):
    monkeypatch.setattr(process_reader, "cpu_ns", lambda pid: None)
    reader = ProcessReader({"server": parent.pid}, time.monotonic_ns(), tmp_path)
    reader.read(slow=True)
    parent.stdin.write("\n")
    parent.stdin.flush()
    assert parent.stdout.readline() == "done\n"
    reader.read()
    reader.close()
    rows = pd.read_parquet(tmp_path / "process.parquet").query("role == 'server'")
    assert rows["cpu_us"].iloc[1] >= 20 * 50_000
    assert rows["cpu_us"].iloc[1] % 10_000 == 0


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

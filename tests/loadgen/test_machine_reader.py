"""Readings of the cores, of a text and of this machine."""

import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from loadgen.collectors import machine_reader
from loadgen.collectors.machine_reader import TICK_US, CoreTimes, ProcessTime
from loadgen.collectors.process_reader import ProcessReader

TEXT = """\
cpu  1000 100 500 9000 50 7 8 90 0 0
cpu0 400 40 200 4000 20 3 4 40 0 0
cpu1 300 30 150 3000 20 2 2 30 0 0
cpu10 300 30 150 2000 10 2 2 20 0 0
intr 1 2 3
"""
BURN = "import time\nprint('ready', flush=True)\nend = time.monotonic() + 20\nwhile time.monotonic() < end: pass"


def test_only_the_cores_of_this_process_count():
    assert machine_reader.parse(TEXT, {0, 1}) == CoreTimes(1120 * TICK_US, 7040 * TICK_US, 70 * TICK_US)


@pytest.mark.parametrize("text", ["", "cpu 1 2 3", "cpu0 a b c d e f g h"])
def test_what_is_no_statistic_raises(text):
    with pytest.raises((ValueError, IndexError)):
        machine_reader.parse(text, {0})


def test_a_kernel_without_it_is_not_read(monkeypatch, tmp_path):
    monkeypatch.setattr(machine_reader, "STATISTICS", str(tmp_path / "missing"))
    assert machine_reader.read_cores() is None


@pytest.fixture
def burning():
    with subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize("is_role", [True, False])
def test_cpu_of_a_process_is_that_of_others_unless_it_has_a_role(burning, tmp_path, is_role):
    """Whatever else the machine does, the two readings differ by what the process used."""
    reader = ProcessReader({"server": burning.pid} if is_role else {}, time.monotonic_ns(), tmp_path)
    reader.read(slow=True)
    time.sleep(0.7)
    reader.read(slow=True)
    reader.close()
    rows = pd.read_parquet(tmp_path / "process.parquet")
    machine = rows[rows["role"] == "machine"].iloc[-1]
    used_us = rows.loc[rows["role"] == "server", "cpu_us"].max() if is_role else 0
    assert machine["busy_us"] > 200_000
    assert machine["others_us"] == pytest.approx(machine["busy_us"] - used_us, abs=30_000)


def test_others_are_not_known_beside_a_target_on_this_machine(burning, tmp_path):
    reader = ProcessReader({"generator": burning.pid}, time.monotonic_ns(), tmp_path, is_whole=False)
    reader.read()
    reader.close()
    rows = pd.read_parquet(tmp_path / "process.parquet")
    assert rows.loc[rows["role"] == "machine", "others_us"].isna().all()
    assert rows.loc[rows["role"] == "machine", "steal_us"].notna().all()


def test_the_busiest_processes_are_those_that_used_most_between_the_readings(burning):
    before = machine_reader.read_processes()
    time.sleep(0.3)
    after = machine_reader.read_processes()
    (first, *_) = machine_reader.busiest(before, after, own=set(after) - {burning.pid})
    assert (first["name"], first["pid"]) == (Path(sys.executable).name[:15], burning.pid)
    assert first["cpu_ms"] >= 50
    assert machine_reader.busiest(before, after, own=set(after)) == []


def test_what_started_meanwhile_counts_and_what_was_idle_does_not():
    before = {1: ProcessTime("init", 500), 2: ProcessTime("a", 100), 3: ProcessTime("gone", 9)}
    after = {1: ProcessTime("init", 500), 2: ProcessTime("a", 300), 4: ProcessTime("new", 900)}
    assert [process["pid"] for process in machine_reader.busiest(before, after, own=())] == [4, 2]

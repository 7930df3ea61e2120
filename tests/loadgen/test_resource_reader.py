"""Readings of what a process has in use: a real one that leaks is seen to grow, one that does not is flat."""

import os
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest

from analysis.soak.growth import growth_of
from analysis.soak.watched_resources import MIB, RESOURCES
from loadgen.collectors.process_reader import ProcessReader
from loadgen.collectors.resource_reader import ResourceReader, ResourceSources

READINGS, INTERVAL_S = 100, 0.03

# Every hundredth of a second it does what the argument says; beside that it allocates and frees memory.
APPLICATION = """
import os, sys, tempfile, threading, time
kept = []
def leak(kind):
    if kind == "descriptor":
        kept.append(open("/dev/null"))
    elif kind == "memory":
        kept.append(bytearray(os.urandom(400_000)))
    elif kind == "thread":
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    elif kind == "file":
        os.close(tempfile.mkstemp()[0])
    elif kind == "log":
        print("x" * 4000, flush=True)
print("ready", file=sys.stderr, flush=True)
while True:
    leak(sys.argv[1])
    bytearray(50_000)
    time.sleep(0.01)
"""
LEAKS = {
    "descriptor": "descriptors", "memory": "memory", "thread": "threads", "file": "temporary-files", "log": "log",
}  # fmt: skip
WATCHED = ("memory", "descriptors", "threads", "sessions", "temporary-files", "log")


def readings(tmp_path, leak):
    """The tables of readings of a process that leaks this."""
    temporary, log = tmp_path / "temporary", tmp_path / "log"
    temporary.mkdir()
    sources = ResourceSources(lambda: (65, None), temporary, log)
    environ = os.environ | {"TMPDIR": str(temporary)}
    command = [sys.executable, "-c", APPLICATION, leak]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, env=environ) as process,
    ):
        try:
            process.stderr.readline()
            resources = ResourceReader(tmp_path, sources)
            reader = ProcessReader({"server": process.pid}, time.monotonic_ns(), tmp_path, resources=resources)
            for _ in range(READINGS):
                reader.read(slow=True)
                time.sleep(INTERVAL_S)
            reader.close()
            resources.close()
        finally:
            process.kill()
    return type(
        "Run",
        (),
        {name: pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("process", "resources")},
    )


def verdicts(run):
    grown = {
        resource.name: growth_of(resource, resource.read(run)) for resource in RESOURCES if resource.name in WATCHED
    }
    return {name: growth.verdict for name, growth in grown.items()}


@pytest.mark.parametrize("leak", LEAKS)
def test_process_that_leaks_grows(tmp_path, leak):
    found = verdicts(readings(tmp_path, leak))
    assert found[LEAKS[leak]] == "grows"


@pytest.fixture
def neighbours():
    """Programs that start meanwhile and load the same files, of which each process then has a smaller share."""
    started = []

    def start():
        for _ in range(8):
            time.sleep(READINGS * INTERVAL_S / 8)
            started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))

    thread = threading.Thread(target=start)
    thread.start()
    yield
    thread.join()
    for process in started:
        process.kill()
        process.wait()


def test_process_that_leaks_nothing_does_not_grow(tmp_path, neighbours):
    """On a busy machine a reading that comes late may leave one of them inconclusive."""
    found = list(verdicts(readings(tmp_path, "nothing")).values())
    assert set(found) <= {"flat", "inconclusive"}
    assert found.count("flat") > len(found) / 2


def test_readings_count_what_is_there(tmp_path):
    run = readings(tmp_path, "nothing")
    last = run.resources.iloc[-1]
    assert last["descriptors"] == 3
    assert (last["sessions"], last["temporary_files"], last["log_bytes"]) == (65, 0, 0)
    assert run.resources["store_bytes"].isna().all()
    assert run.process.query("role == 'server'")["pss_bytes"].iloc[-1] > MIB


def test_readings_of_a_folder_that_is_gone_are_null(tmp_path):
    resources = ResourceReader(tmp_path, ResourceSources(lambda: (None, None), tmp_path / "gone", tmp_path / "gone"))
    resources.add(0, [], None)
    resources.close()
    row = pd.read_parquet(tmp_path / "resources.parquet").iloc[0]
    assert row.drop("at_us").isna().all()

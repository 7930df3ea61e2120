"""Runs under a memory limit, by the real command: running out of memory is an outcome of a valid run."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from loadgen.memory import cgroup_hierarchy
from tests.loadgen.finished_run import directory_of, record_of, rows_of
from tests.loadgen.memory_fixtures import require_groups
from workbench.paths import REPOSITORY
from workbench.recording import open_run

pytestmark = pytest.mark.exclusive

# In 512 MiB it depends on how many hashes are computed at once, and now and then the kernel ends nothing.
OUT_OF_MEMORY = "constrained-gevent-in-432-mib"

SMALL = ("--scale", "small")
NOBODY = 65534


def groups_left():
    hierarchy = cgroup_hierarchy.find()
    return [path for parent in hierarchy.parents() for path in parent.glob(f"tracetrack-{os.getpid()}-*")]


@pytest.fixture(scope="module")
def gevent(command):
    require_groups()
    return command.run("run", "--deployment", OUT_OF_MEMORY, "--scenario", "burst-50", *SMALL, timeout=120)


def test_advised_gevent_workers_run_out_of_memory_in_a_valid_run(gevent):
    record = record_of(gevent)
    memory = record["memory"]
    assert (record["status"], memory["limit_mib"], memory["enforced"]) == ("complete", 432, True)
    assert [reason for reason in record["reasons"] if "first sends" not in reason] == []
    assert memory["oom_kills"] == len(memory["kills"]) > 0
    assert memory["peak_bytes"] == 432 * 2**20
    assert {kill["process"] for kill in memory["kills"]} <= {"worker", "master"}


def test_kills_have_the_load_at_their_instant(gevent):
    rows = rows_of(gevent)
    first = record_of(gevent)["memory"]["kills"][0]
    assert rows["start_us"].min() <= first["at_us"] <= (rows["start_us"] + rows["latency_us"]).max()
    assert 0 < first["in_flight"] <= 50
    assert first["users"] == first["in_flight"]


def test_users_of_an_ended_worker_see_failures_and_two_witnesses_are_not_available(gevent):
    record, rows = record_of(gevent), rows_of(gevent)
    assert not rows["ok"].all()
    assert rows["error"].dropna().str.contains("connection").any()
    assert record["served"] is None
    assert record["witnesses"]["application"] is None


def test_summary_names_what_was_ended_and_quotes_the_log(gevent):
    assert "Out of memory: the kernel ended worker" in gevent.stderr
    assert "requests in flight" in gevent.stderr
    assert "Perhaps out of memory?" in gevent.stderr
    assert "Traceback" not in gevent.stderr


def test_memory_of_each_process_is_recorded(gevent):
    readings = pd.read_parquet(directory_of(gevent) / "memory.parquet")
    assert set(readings["process"]) == {"master", "worker", "group"}
    assert set(range(8)) <= set(readings["worker"].dropna())
    processes = readings[readings["process"] != "group"]
    assert processes[["pid", "pss_bytes", "private_bytes", "shared_bytes", "anonymous_bytes"]].notna().all(axis=None)
    assert (processes["private_bytes"] <= processes["pss_bytes"]).all()
    usage = readings.loc[readings["process"] == "group", "usage_bytes"]
    assert usage.between(1, 512 * 2**20).all()


def test_published_setup_fits_into_512_mib(command):
    finished = command.run("run", "--deployment", "constrained", "--scenario", "burst-25", *SMALL)
    memory, rows = record_of(finished)["memory"], rows_of(finished)
    assert rows["ok"].all()
    assert (memory["oom_kills"] or 0, memory["kills"], memory["log_reports"]) == (0, [], 0)
    assert memory["peak_pss_bytes"] < 512 * 2**20
    assert "memory" not in finished.stderr or not memory["enforced"]


def test_preloaded_workers_still_share_memory_after_a_load(command):
    """A collection of garbage in a worker must not copy the objects that all have from before the fork."""
    deployment = "constrained-with-8-workers-with-preload"
    finished = command.run("run", "--deployment", deployment, "--scenario", "burst-25", *SMALL)
    memory = open_run(directory_of(finished)).memory
    last = memory[(memory["process"] == "worker") & (memory["at_us"] == memory["at_us"].max())]
    assert len(last) == 8
    assert (last["shared_bytes"] > last["private_bytes"]).all()


@pytest.mark.parametrize("scenario", ["start", "burst-25"])
def test_limit_too_small_to_start_is_one_line_and_a_valid_run(command, scenario):
    require_groups()
    finished = command.run(
        "run", "--deployment", "constrained-gevent-in-256-mib", "--scenario", scenario, *SMALL, timeout=120
    )
    record = record_of(finished)
    assert (finished.returncode, record["status"], record["valid"]) == (0, "complete", True), finished.stderr
    assert record["outcome"]["started"] is False
    assert record["outcome"]["message"].startswith("out of memory at start: 256 MiB")
    assert finished.stderr.count("out of memory at start") == 1
    run = open_run(directory_of(finished))
    assert (run.is_valid(), run.totals is None or run.totals["requests"] == 0) == (True, True)
    assert command.processes() == []


def test_killed_workbench_leaves_no_process_and_its_group_is_gone_after_the_next_run(command):
    require_groups()
    before = command.runs()
    started = command.start("run", "--deployment", "constrained", "--scenario", "sustained-16", *SMALL)
    with started as process:
        command.streams(before)
        process.kill()
    parent = cgroup_hierarchy.find().parents()[0]
    left_over = list(parent.glob(f"tracetrack-{process.pid}-*"))
    assert len(left_over) == 1
    finished = command.run("run", "--deployment", "constrained", "--scenario", "single", *SMALL, timeout=120)
    assert finished.returncode in (0, 3), finished.stderr
    assert not any(path.exists() for path in left_over)
    assert command.processes() == []


def unprivileged_run(data, *arguments):
    """`loadgen` as an ordinary user, with a data folder of that user's own.

    All may be read, as Python itself may lie in the home of another user; nothing else may be written.
    """
    program = [
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
        "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
        sys.executable, "-m", "loadgen", "run", *arguments,
    ]  # fmt: skip
    environ = {**os.environ, "TRACETRACK_DATA_DIR": str(data), "TMPDIR": str(data), "HOME": str(data)}
    return subprocess.run(program, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=180)


@pytest.fixture
def data_of_nobody():
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can become another user, by setpriv")
    with tempfile.TemporaryDirectory(prefix="tracetrack-test-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)


def test_ordinary_user_gets_one_line_and_measured_memory(data_of_nobody):
    data = data_of_nobody
    finished = unprivileged_run(data, "--deployment", "constrained-gevent", "--scenario", "burst-25", *SMALL)
    record = record_of(finished)
    memory = record["memory"]
    assert (record["status"], memory["enforced"], memory["kills"]) == ("complete", False, [])
    assert "no control group" in memory["reason"]
    assert memory["peak_pss_bytes"] > 300 * 2**20
    assert finished.stderr.count("The memory limit of 512 MiB was not enforced") == 1
    assert json.dumps(memory["over_limit"]) in ("true", "false")

"""A load that workers make which joined the run: here processes of this machine, by the real commands."""

import os
import secrets
import signal
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest

from tests.conftest import CommandLine
from tests.loadgen.finished_run import SHORT, reasons_apart_from_lag, record_of, rows_of, run_on_target
from tests.loadgen.hosts.over_hosts import SECRET, TWO_TASKS, assert_same_counts, over_hosts, recorded
from tests.loadgen.run_process import wait_for
from workbench.errors import EXIT_INVALID
from workbench.request_schema import STREAMS

OPEN = ("--scenario", "open-40", "--arrivals", "constant", "--seed", "7")
LONG = ("--scenario", "open-40", "--duration", "60", "--warmup", "0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("hosts")
    (made / "mine.py").write_text(TWO_TASKS)
    return made


@pytest.fixture(scope="module")
def tasks(folder):
    return str(folder / "mine.py")


def started_in(folder):
    """Starts runs and workers whose data are in a folder of their own; none of them is left behind."""
    (folder / "data").mkdir(parents=True)
    command = CommandLine(folder / "data", folder)
    with over_hosts(command) as started:
        yield started
    wait_for(lambda: not command.processes(), 20, f"end of {command.processes()}")


@pytest.fixture
def hosts(tmp_path):
    yield from started_in(tmp_path / "hosts")


@pytest.fixture(scope="module")
def shared_hosts(folder):
    yield from started_in(folder / "shared")


@pytest.fixture(scope="module")
def two_hosts(shared_hosts, pages, tasks):
    """A load of two hosts that is over, and the same of two processes of one host."""
    run = shared_hosts.run(pages, tasks, *OPEN, *SHORT)
    workers = [shared_hosts.worker(tasks) for _ in range(2)]
    code = run.end()
    assert code in (0, EXIT_INVALID), run.errors
    assert [worker.end() for worker in workers] == [0, 0]
    directory = Path(run.output().splitlines()[-1])
    record, rows = recorded(directory)
    given = ("--locustfile", tasks, *OPEN, *SHORT, "--processes", "2")
    alone = run_on_target(shared_hosts.command, pages, *given, TRACETRACK_MACHINE_LOCK=secrets.token_hex(4))
    return SimpleNamespace(run=run, workers=workers, record=record, rows=rows, alone=alone, directory=directory)


def loaded(hosts, pages, tasks):
    """A run and two workers under load, from the first rows of both on; and the folder of the run."""
    before = hosts.command.runs()
    run, workers = hosts.run(pages, tasks, *LONG), [hosts.worker(tasks) for _ in range(2)]
    wait_for(lambda: hosts.command.runs() - before, 60, run.errors)
    (folder,) = hosts.command.runs() - before
    wait_for(lambda: sum(path.stat().st_size > 20_000 for path in folder.glob(STREAMS)) == 2, 60, "rows")
    return run, workers, folder


def family(*started):
    """The processes of commands."""
    processes = [psutil.Process(each.process.pid) for each in started]
    return [child for process in processes for child in [process, *process.children(recursive=True)]]


@pytest.fixture(scope="module")
def stopped(two_hosts, shared_hosts, pages, tasks):
    """A run that was looked at in the middle of its load and then stopped by hand, after a third worker came."""
    run, workers, folder = loaded(shared_hosts, pages, tasks)
    commands = [process.cmdline() for process in family(run, *workers)]
    connections = [each for process in family(run) for each in process.net_connections("tcp")]
    late = shared_hosts.worker(tasks)
    late_code, went_on = late.end(), run.process.poll() is None
    run.process.send_signal(signal.SIGINT)
    codes = run.end(), *(worker.end() for worker in workers)
    record, rows = recorded(folder)
    return SimpleNamespace(
        started=(run, *workers), commands=commands, connections=connections, late=late, late_code=late_code,
        went_on=went_on, codes=codes, record=record, rows=rows, data=shared_hosts.command.data, port=shared_hosts.port,
    )  # fmt: skip


def test_two_hosts_make_the_load_that_two_processes_of_one_make(two_hosts):
    record, alone = two_hosts.record, record_of(two_hosts.alone)
    assert_same_counts(two_hosts.rows, rows_of(two_hosts.alone))
    assert (record["status"], reasons_apart_from_lag(record), len(two_hosts.rows)) == ("complete", [], 80)
    for name in ("processes", "requests", "rows", "users", "started_tasks"):
        assert record["generator"][name] == alone["generator"][name]
    assert [host["status"] for host in record["hosts"]] == ["complete", "complete"]
    assert sorted(host["processes"] for host in record["hosts"]) == [[0], [1]]
    assert sum(host["rows"] for host in record["hosts"]) == 80
    assert all("all rows of this host are with the run" in worker.errors for worker in two_hosts.workers)


def test_no_time_of_a_run_over_hosts_is_a_difference_of_two_clocks(two_hosts):
    """On one machine the clocks are one: the offset is within its uncertainty, and the wait in the queue stays null."""
    for host in two_hosts.record["hosts"]:
        for clock in (host["clock"], host["clock_at_end"]):
            assert abs(clock["offset_ns"]) <= clock["uncertainty_ns"] < 1e9
            assert clock["rounds"] > 0
    assert two_hosts.rows["queue_us"].isna().all()
    assert two_hosts.run.errors.count("its monotonic clock") == 4  # as each joined, and at the end


def test_the_readings_of_all_hosts_are_in_one_file(two_hosts):
    readings = pd.read_parquet(two_hosts.directory / "process.parquet")
    assert {"generator-0", "generator-1", "generator-master"} <= set(readings["role"])
    assert readings["at_us"].between(0, 120_000_000).all()
    assert not list(two_hosts.directory.glob("*-host-*"))


def test_a_run_listens_on_this_machine_unless_bound_elsewhere(stopped):
    listening = {(each.laddr.ip, each.laddr.port) for each in stopped.connections if each.status == "LISTEN"}
    assert listening == {("127.0.0.1", stopped.port), ("127.0.0.1", stopped.port + 1)}


def test_a_worker_that_comes_late_is_refused_and_the_run_goes_on(stopped):
    assert (stopped.late_code, stopped.went_on) == (1, True)
    assert "the run has begun; start workers before it" in stopped.late.lines[-1]


def test_a_run_that_is_stopped_has_the_rows_of_its_hosts(stopped):
    record = stopped.record
    assert stopped.codes == (130, 1, 1)
    assert [host["status"] for host in record["hosts"]] == ["complete", "complete"]
    assert (record["status"], len(stopped.rows)) == ("aborted", sum(host["rows"] for host in record["hosts"]))
    assert len(stopped.rows) > 40


def test_the_secret_is_in_no_file_and_no_command_line(stopped):
    assert SECRET not in str(stopped.commands)
    written = [path.read_bytes() for path in stopped.data.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in written)
    assert all(SECRET not in each.errors for each in stopped.started)


def test_a_worker_that_is_killed_is_named_with_what_is_lost(hosts, pages, tasks):
    run, workers, folder = loaded(hosts, pages, tasks)
    victim = workers[1].process
    for process in family(workers[1])[::-1]:
        os.kill(process.pid, signal.SIGKILL)
    assert run.end() == 1
    error = run.lines[-1]
    assert f"process {victim.pid}) was silent for 10 s" in error
    assert "of its rows are here, the last one sent at" in error
    record, rows = recorded(folder)
    lost, kept = sorted(record["hosts"], key=lambda host: host["status"], reverse=True)
    assert (lost["status"], kept["status"]) == ("lost", "complete")
    assert (record["status"], record["valid"]) == ("aborted", False)
    assert "hosts of the load generator that were lost, or left rows behind: 1, allowed none" in record["reasons"]
    assert len(rows) == lost["rows"] + kept["rows"] > 40
    assert workers[0].end() == 1
    assert "the run ended before its time" in workers[0].errors


@pytest.mark.resilience
def test_a_process_of_a_worker_that_is_killed_is_named_at_once(hosts, pages, tasks):
    run, workers, folder = loaded(hosts, pages, tasks)
    (child,) = (process for process in family(workers[0]) if "loadgen.generator" in process.cmdline())
    child.kill()
    assert run.end() == 1
    assert f"(id {child.pid}) was ended by signal 9" in run.lines[-1]
    record, rows = recorded(folder)
    assert (record["status"], record["valid"]) == ("aborted", False)
    assert len(rows) > 40
    assert [worker.end() for worker in workers] == [1, 1]


@pytest.mark.resilience
def test_a_worker_that_is_stopped_by_hand_says_so(hosts, pages, tasks):
    run, workers, _ = loaded(hosts, pages, tasks)
    workers[1].process.send_signal(signal.SIGINT)
    assert [run.end(), *(worker.end() for worker in workers)] == [1, 1, 130]
    assert "has left: stopped by Ctrl-C" in run.lines[-1]


@pytest.mark.resilience
def test_workers_end_when_the_run_is_gone_and_keep_what_it_has_not(hosts, pages, tasks):
    run, workers, _ = loaded(hosts, pages, tasks)
    for process in family(run)[::-1]:
        os.kill(process.pid, signal.SIGKILL)
    assert [worker.end(30) for worker in workers] == [1, 1]
    for worker in workers:
        assert "was silent for 10 s" in worker.lines[-1]
        folder = Path(worker.lines[-1].rpartition(" are in ")[2])
        assert list(folder.glob(STREAMS))

"""A load that workers make which joined the run: here processes of this machine, by the real commands."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.loadgen.finished_run import SHORT, reasons_apart_from_lag, record_of, rows_of, run_on_target
from tests.loadgen.hosts.over_hosts import SECRET, TWO_TASKS, assert_same_counts, over_hosts, recorded
from tests.loadgen.run_process import wait_for
from workbench.errors import EXIT_INVALID
from workbench.request_schema import STREAMS

OPEN = ("--scenario", "open-40", "--arrivals", "constant", "--seed", "7")
LONG = ("--scenario", "open-40", "--duration", "60", "--warmup", "0")


@pytest.fixture
def tasks(tmp_path):
    (tmp_path / "mine.py").write_text(TWO_TASKS)
    return str(tmp_path / "mine.py")


@pytest.fixture
def hosts(own_command):
    with over_hosts(own_command) as started:
        yield started
    wait_for(lambda: not own_command.processes(), 20, f"end of {own_command.processes()}")


def loaded(hosts, pages, tasks):
    """A run and two workers under load, from the first rows of both on; and the folder of the run."""
    run, workers = hosts.run(pages, tasks, *LONG), [hosts.worker(tasks) for _ in range(2)]
    wait_for(lambda: len(list(hosts.command.data.glob(f"runs/single-runs/*/{STREAMS}"))) == 2, 60, run.errors)
    (folder,) = hosts.command.runs()
    wait_for(lambda: all(path.stat().st_size > 20_000 for path in folder.glob(STREAMS)), 30, "rows")
    return run, workers, folder


def test_two_hosts_make_the_load_that_two_processes_of_one_make(hosts, pages, tasks):
    run = hosts.run(pages, tasks, *OPEN, *SHORT)
    workers = [hosts.worker(tasks) for _ in range(2)]
    code = run.end()
    assert code in (0, EXIT_INVALID), run.errors
    assert [worker.end() for worker in workers] == [0, 0]
    assert all("all rows of this host are with the run" in worker.errors for worker in workers)
    record, rows = recorded(run.output().splitlines()[-1])
    alone = run_on_target(
        hosts.command, pages, "--locustfile", tasks, *OPEN, *SHORT, "--processes", "2", TRACETRACK_MACHINE_LOCK="alone"
    )
    assert_same_counts(rows, rows_of(alone))
    assert (record["status"], reasons_apart_from_lag(record), len(rows)) == ("complete", [], 80)
    own = record_of(alone)["generator"]
    assert {name: record["generator"][name] for name in ("requests", "rows", "users", "started_tasks")} == {
        name: own[name] for name in ("requests", "rows", "users", "started_tasks")
    }
    assert [host["status"] for host in record["hosts"]] == ["complete", "complete"]
    assert sorted(host["processes"] for host in record["hosts"]) == [[0], [1]]
    assert sum(host["rows"] for host in record["hosts"]) == 80


def test_no_time_of_a_run_over_hosts_is_a_difference_of_two_clocks(hosts, pages, tasks):
    """On one machine the clocks are one: the offset is within its uncertainty, and the wait in the queue stays null."""
    run = hosts.run(pages, tasks, *OPEN, *SHORT, hosts=1)
    worker = hosts.worker(tasks)
    assert (run.end() in (0, EXIT_INVALID), worker.end()) == (True, 0), run.errors
    record, rows = recorded(run.output().splitlines()[-1])
    (host,) = record["hosts"]
    for clock in (host["clock"], host["clock_at_end"]):
        assert abs(clock["offset_ns"]) <= clock["uncertainty_ns"] < 1e9
        assert clock["rounds"] > 0
    assert rows["queue_us"].isna().all()
    assert "its monotonic clock" in run.errors


def test_a_worker_that_is_killed_is_named_with_what_is_lost(hosts, pages, tasks):
    run, workers, folder = loaded(hosts, pages, tasks)
    victim = workers[1].process
    for process in [*psutil.Process(victim.pid).children(recursive=True), victim]:
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


def test_a_process_of_a_worker_that_is_killed_is_named_at_once(hosts, pages, tasks):
    run, workers, folder = loaded(hosts, pages, tasks)
    (child,) = (
        child for child in psutil.Process(workers[0].process.pid).children() if "loadgen.generator" in child.cmdline()
    )
    child.kill()
    assert run.end() == 1
    assert f"(id {child.pid}) was ended by signal 9" in run.lines[-1]
    record, rows = recorded(folder)
    assert (record["status"], record["valid"]) == ("aborted", False)
    assert len(rows) > 40
    assert [worker.end() for worker in workers] == [1, 1]


def test_workers_end_when_the_run_is_gone_and_keep_what_it_has_not(hosts, pages, tasks):
    run, workers, _ = loaded(hosts, pages, tasks)
    for process in [*psutil.Process(run.process.pid).children(recursive=True), run.process]:
        os.kill(process.pid, signal.SIGKILL)
    assert [worker.end(30) for worker in workers] == [1, 1]
    for worker in workers:
        assert "was silent for 10 s" in worker.lines[-1]
        folder = Path(worker.lines[-1].rpartition(" are in ")[2])
        assert list(folder.glob(STREAMS))


def test_a_run_that_is_stopped_has_the_rows_of_its_hosts(hosts, pages, tasks):
    run, workers, folder = loaded(hosts, pages, tasks)
    run.process.send_signal(signal.SIGINT)
    assert run.end() == 130
    assert [worker.end() for worker in workers] == [1, 1]
    record, rows = recorded(folder)
    assert [host["status"] for host in record["hosts"]] == ["complete", "complete"]
    assert (record["status"], len(rows)) == ("aborted", sum(host["rows"] for host in record["hosts"]))


def test_a_worker_that_comes_late_is_refused_and_the_run_goes_on(hosts, pages, tasks):
    run, workers, _ = loaded(hosts, pages, tasks)
    late = hosts.worker(tasks)
    assert late.end() == 1
    assert "the run has begun; start workers before it" in late.lines[-1]
    assert run.process.poll() is None
    run.process.send_signal(signal.SIGTERM)
    run.end()
    assert [worker.end() for worker in workers] == [1, 1]


def test_a_run_listens_on_this_machine_unless_bound_elsewhere(hosts, pages, tasks):
    run, _, _ = loaded(hosts, pages, tasks)
    processes = [psutil.Process(run.process.pid), *psutil.Process(run.process.pid).children(recursive=True)]
    connections = [each for process in processes for each in process.net_connections("tcp")]
    listening = {(each.laddr.ip, each.laddr.port) for each in connections if each.status == "LISTEN"}
    assert listening == {("127.0.0.1", hosts.port), ("127.0.0.1", hosts.port + 1)}
    run.process.terminate()
    assert run.end() == 130


def test_the_secret_is_in_no_file_and_no_command_line(hosts, pages, tasks):
    run, workers, _ = loaded(hosts, pages, tasks)
    started = [run, *workers]
    processes = [psutil.Process(each.process.pid) for each in started]
    commands = [child.cmdline() for process in processes for child in [process, *process.children(recursive=True)]]
    assert SECRET not in str(commands)
    run.process.terminate()
    assert run.end() == 130
    written = [path.read_bytes() for path in hosts.command.data.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in written)
    assert all(SECRET not in each.errors for each in started)

"""The same tables and findings from a real Dask cluster as from this process, and what a lost part of it leads to."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from bench import drawn_experiment
from tests.analysis.command_output import require_refused
from tests.scale.conftest import run, started
from workbench.paths import REPOSITORY
from workbench.polling import attempts

pytestmark = pytest.mark.extra  # Dask is in scale.lock
ROWS = 200_000


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """An experiment of 64 runs."""
    directory = tmp_path_factory.mktemp("runs") / drawn_experiment.NAME
    drawn_experiment.create(directory, ROWS)
    return directory


@pytest.fixture(scope="module")
def local_answer(drawn):
    finished = run("tests.scale.answers", drawn)
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


def with_failures(builder):
    """An experiment with failures, dropped arrivals, a run that was cut off, and a column that is missing."""
    failing, dropping, lacking = (builder.run("tuned", "open-20", block=block) for block in range(3))
    for row in failing.rows_of("search")[::3]:
        row |= {"ok": False, "error": "status 500", "status": 500}
    dropping.record["generator"]["dropped"] = {"measure": 4}
    for row in lacking.rows:
        row["cache_us"] = None
    return builder.experiment(failing, dropping, lacking, builder.run("tuned", block=3).cut_off()).directory


def test_tables_and_findings_are_the_same_to_the_last_digit(drawn, local_answer, scheduler):
    finished = run("tests.scale.answers", drawn, TRACETRACK_DASK=scheduler)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert len(json.loads(local_answer)["by_run"]["run"]) == len(drawn_experiment.ARMS) * drawn_experiment.BLOCKS
    assert finished.stdout == local_answer


def test_failures_dropped_arrivals_and_damaged_runs_are_the_same_too(builder, scheduler):
    directory = with_failures(builder)
    local, on_dask = (run("tests.scale.answers", directory, TRACETRACK_DASK=address) for address in ("", scheduler))
    assert (on_dask.returncode, on_dask.stderr) == (0, "")
    assert on_dask.stdout == local.stdout
    assert any(number > 0 for number in json.loads(local.stdout)["by_arm"]["omitted"])


def test_a_rows_file_that_was_changed_is_named_by_a_worker_as_by_this_process(builder, scheduler):
    experiment = builder.experiment(builder.run("tuned"), builder.run("tuned", block=1))
    file = experiment.runs[0].directory / "requests.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    local, on_dask = (
        run("tests.scale.answers", experiment.directory, TRACETRACK_DASK=address) for address in ("", scheduler)
    )
    assert json.loads(on_dask.stdout)["problems"][0] == json.loads(local.stdout)["problems"][0]
    assert "requests.parquet was changed" in json.loads(on_dask.stdout)["problems"][0]
    assert len(json.loads(on_dask.stdout)["by_run"]["run"]) == 1


def stop_while_it_computes(address, process):
    """Stop a worker that has a task, so that the task cannot end, and kill it; returns its process id."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        pids = client.run(os.getpid)
        for _ in attempts(60, 0.005):
            assert process.poll() is None, process.stderr.read()
            for worker, tasks in client.processing().items():
                if not tasks or worker not in pids:
                    continue
                os.kill(pids[worker], signal.SIGSTOP)
                time.sleep(0.3)  # what it had finished by then has arrived
                if client.processing().get(worker):
                    os.kill(pids[worker], signal.SIGKILL)
                    return pids[worker]
                os.kill(pids[worker], signal.SIGCONT)
    pytest.fail("no worker had a task")


def test_a_worker_that_is_killed_in_mid_query_changes_nothing(drawn, local_answer):
    with started("cluster_process.py") as address:
        command = [sys.executable, "-m", "tests.scale.answers", str(drawn)]
        environ = {**os.environ, "TRACETRACK_DASK": address}
        with subprocess.Popen(
            command, cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            output = []
            reader = threading.Thread(target=lambda: output.append(process.stdout.read()))
            reader.start()
            time.sleep(2)  # it has connected, and asked each worker what it is
            stop_while_it_computes(address, process)
            reader.join(120)
            assert process.wait(10) == 0, process.stderr.read()
    assert output == [local_answer]


@pytest.mark.parametrize("accepts", [False, True], ids=["away", "accepts-and-never-answers"])
def test_a_scheduler_without_an_answer_is_one_line_within_its_time(drawn, accepts):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if accepts:
            server.listen()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        start_s = time.monotonic()
        finished = run("analysis", "show", drawn, "--engine", "dask", TRACETRACK_DASK=address)
    assert time.monotonic() - start_s < 10 + 15
    require_refused(finished, f"no Dask scheduler answered at {address} within 10 s", "dask scheduler")


def test_a_protocol_that_needs_certificates_is_one_line_without_them(drawn):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = f"tls://127.0.0.1:{listener.getsockname()[1]}"
        finished = run("analysis", "show", drawn, TRACETRACK_DASK=address)
    require_refused(finished, f"the Dask scheduler at {address} cannot be used", "tcp://HOST:8786")


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGKILL, "went away"), (signal.SIGSTOP, "gave no answer for")])
def test_a_scheduler_that_is_lost_in_mid_query_is_one_line_in_bounded_time(drawn, number, reason):
    with started("cluster_process.py") as address:
        command = [sys.executable, "-m", "tests.scale.answers", str(drawn)]
        environ = {**os.environ, "TRACETRACK_DASK": address}
        with subprocess.Popen(
            command, cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            scheduler_pid = pid_of(address)
            wait_for_a_task(address)
            os.kill(scheduler_pid, number)
            try:
                output, errors = process.communicate(timeout=30 + 30)
            finally:
                os.kill(scheduler_pid, signal.SIGKILL)
    assert (process.returncode, output) == (1, "")
    (line,) = errors.splitlines()
    assert line.startswith(f"Error: the Dask scheduler at {address} {reason}")


def pid_of(address):
    """The process id of a scheduler."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return client.run_on_scheduler(os.getpid)


def wait_for_a_task(address):
    """Wait until a worker has a task that is no question to the worker itself."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        for _ in attempts(60, 0.005):
            if any(client.processing().values()):
                return
    pytest.fail("no worker had a task")


@pytest.mark.parametrize("address", ["nowhere", "tcp://127.0.0.1", "ftp://127.0.0.1:1", "tcp://no.such.host.invalid:1"])
def test_what_is_no_address_is_one_line(drawn, address):
    finished = run("analysis", "show", drawn, TRACETRACK_DASK=address)
    assert finished.returncode in (1, 2)
    (line,) = finished.stderr.splitlines()
    assert address in line
    assert finished.stdout == ""


def test_a_scheduler_without_a_worker_is_one_line(drawn):
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--host"]
    with subprocess.Popen([*command, "127.0.0.1"], stderr=subprocess.PIPE, text=True) as process:
        try:
            line = next(line for line in process.stderr if "tcp://" in line)
            address = line.split()[-1]
            finished = run("analysis", "show", drawn, TRACETRACK_DASK=address)
        finally:
            process.terminate()
    require_refused(finished, f"the Dask scheduler at {address} has no worker", "dask worker")


def test_a_cluster_of_this_machine_ends_with_the_command(builder):
    directory = builder.experiment(builder.run("tuned")).directory
    local = run("analysis", "show", directory)
    on_dask = run("analysis", "show", directory, "--engine", "dask")
    assert (on_dask.returncode, on_dask.stderr) == (0, "")
    assert on_dask.stdout == local.stdout

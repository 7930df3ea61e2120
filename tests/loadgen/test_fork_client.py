"""Load generators that are forked: each is as one that was started, and none outlives the server or the command."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from loadgen import dataset, locust_runner, scenarios
from loadgen.locust_runner import Load
from workbench.errors import UserError
from workbench.paths import REPOSITORY
from workbench.polling import attempts
from workbench.request_schema import STREAMS
from workbench.request_stream import read_stream

PATIENCE_S = 40


@pytest.fixture(scope="module")
def forks():
    with locust_runner.fork_server() as forks:
        yield forks


@pytest.fixture
def forked(tmp_path):
    """Starts a generator that waits for its start signal, in a directory of its own."""

    def start(forks, name="run", url="http://127.0.0.1:9", seed=1):
        load = Load(scenarios.find("burst-3"), seed, dataset.find_scale("small").counts())
        (tmp_path / name).mkdir()
        return locust_runner.generator(load, url, tmp_path / name, forks)

    return start


def requests_of(generator):
    batches = (batch for path in generator.directory.glob(STREAMS) for batch in read_stream(path))
    return [row for batch in batches for row in batch.to_pylist()]


def finish(generator):
    generator.release_users()
    generator.wait(lambda: None)
    summary = json.loads((generator.directory / "generator-0.json").read_text())
    return summary, requests_of(generator)


def ends(process):
    return any(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE for _ in attempts(PATIENCE_S, 0.05))


def test_forked_generators_send_their_own_loads_one_after_the_other(forks, forked, pages):
    with forked(forks, "first", pages) as first:
        process = psutil.Process(first.senders[0].pid)
        assert process.ppid() == forks.child.pid
        assert os.getpgid(process.pid) == process.pid
        first_summary, first_rows = finish(first)
    with forked(forks, "second", pages) as second:
        second_summary, second_rows = finish(second)
    assert (first.senders[0].process.returncode, second.senders[0].process.returncode) == (0, 0)
    assert first.senders[0].pid != second.senders[0].pid
    for summary, rows in ((first_summary, first_rows), (second_summary, second_rows)):
        assert (summary["done"], summary["requests"], summary["rows"]) == (True, 9, 9)
        assert {row["user"] for row in rows} == {0, 1, 2}
        assert summary["cpu_ms"] > 0


def test_forked_generator_ignores_variables_of_locust(forked, pages, monkeypatch):
    monkeypatch.setenv("LOCUST_USERS", "7")
    monkeypatch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    with locust_runner.fork_server() as forks, forked(forks, url=pages) as generator:
        _, rows = finish(generator)
    assert {row["user"] for row in rows} == {0, 1, 2}


def test_killed_generator_is_reported_with_its_signal(forks, forked):
    with forked(forks) as generator:
        os.kill(generator.senders[0].pid, signal.SIGKILL)
        with pytest.raises(UserError, match="was ended by signal 9"):
            generator.wait(lambda: None)
    with forked(forks, "next") as following:
        assert not following.senders[0].ended()


def test_generator_ends_at_the_end_of_its_block(forks, forked):
    with forked(forks) as generator:
        process = psutil.Process(generator.senders[0].pid)
    assert generator.senders[0].ended()
    assert ends(process)


def test_generator_ends_with_a_killed_server_and_no_other_can_be_forked(forked):
    with locust_runner.fork_server() as forks:
        with forked(forks) as generator:
            process = psutil.Process(generator.senders[0].pid)
            os.kill(forks.child.pid, signal.SIGKILL)
            assert ends(process)
            assert generator.senders[0].wait(PATIENCE_S)
        with pytest.raises(UserError, match="the load generator could not be started"), forked(forks, "next"):
            pass


KILLED_COMMAND = """
import os, pathlib, signal, sys
from loadgen import locust_runner, scenarios
from loadgen.locust_runner import Load
load = Load(scenarios.find("burst-3"), 1, {"user": 100, "link": 10, "bag": 10})
with (
    locust_runner.fork_server() as forks,
    locust_runner.generator(load, "http://127.0.0.1:9", pathlib.Path(sys.argv[1]), forks) as generator,
):
    print(forks.child.pid, generator.senders[0].pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_outlives_a_killed_command(tmp_path):
    finished = subprocess.run(
        [sys.executable, "-c", KILLED_COMMAND, str(tmp_path)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert finished.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in finished.stdout.split()]
    assert len(pids) == 2
    assert any(not any(map(psutil.pid_exists, pids)) for _ in attempts(PATIENCE_S, 0.05))

"""Hosts that cannot make a load together: one line with place and remedy, an exit code, and nothing of a run."""

import socket
from contextlib import contextmanager, suppress

import pytest

from loadgen import host_secret, load_versions
from loadgen.hosts import run_channel
from tests.loadgen.hosts.over_hosts import SECRET, TWO_TASKS, over_hosts
from tests.loadgen.run_process import wait_for

OPEN = ("--scenario", "open-20", "--duration", "1", "--warmup", "0")
WAIT = ("--wait-hosts", "4")


@pytest.fixture
def tasks(tmp_path):
    (tmp_path / "mine.py").write_text(TWO_TASKS)
    return str(tmp_path / "mine.py")


@pytest.fixture
def hosts(own_command):
    with over_hosts(own_command) as started:
        yield started
    wait_for(lambda: not own_command.processes(), 20, f"end of {own_command.processes()}")
    assert own_command.runs() == set()


@contextmanager
def joining(port, secret=SECRET, **changes):
    """A channel of a worker that says these things of itself."""
    with run_channel.connected("127.0.0.1", port, host_secret.derive(secret)) as channel:
        yield lambda: channel.join(
            20, print, **({"name": "w", "pid": 1, "versions": load_versions.versions(), "locustfile": None} | changes)
        )


def test_a_run_whose_hosts_do_not_come_ends_with_how_many_did(hosts, pages):
    run = hosts.run(pages, None, *OPEN, *WAIT)
    assert run.end() == 1
    assert f"0 of 2 hosts came to 127.0.0.1:{hosts.port} within 4 s; start the others" in run.lines[-1]


def test_a_worker_whose_run_does_not_answer_names_the_ports(hosts):
    worker = hosts.worker(None, "--wait", "2")
    assert worker.end() == 1
    (line,) = worker.lines
    assert f"no run answers at 127.0.0.1:{hosts.port} within 2 s (Connection refused)" in line
    assert f"open its ports {hosts.port} and {hosts.port + 1}" in line


def test_a_worker_with_another_secret_gets_no_answer(hosts, pages):
    run = hosts.run(pages, None, *OPEN, "--wait-hosts", "20")
    wait_for(lambda: "waiting for 2 hosts" in run.errors, 30, run.errors)
    worker = hosts.worker(None, "--wait", "7", TRACETRACK_HOSTS_SECRET="another-secret-0123456789")
    assert worker.end() == 1
    assert (
        "accepts connections and does not answer yet; it is another program, or has another secret" in worker.lines[0]
    )
    assert "accepts connections and did not answer within 7 s" in worker.lines[-1]
    assert "TRACETRACK_HOSTS_SECRET" in worker.lines[-1]
    assert not any("joined" in line or "ready" in line for line in run.lines)
    run.process.terminate()
    assert run.end() == 130


def test_a_worker_of_another_version_is_refused_on_both_sides(hosts, pages):
    run = hosts.run(pages, None, *OPEN, "--wait-hosts", "20")
    refused = pytest.raises(run_channel.RunLost, match=r"refused this host: its workbench \(\w+ here, abc there\)")
    with joining(hosts.port, versions=load_versions.versions() | {"workbench": "abc"}) as join, refused:
        join()
    wait_for(lambda: "was refused: its workbench" in run.errors, 10, run.errors)
    run.process.terminate()
    assert run.end() == 130


def test_a_worker_with_another_locustfile_is_refused(hosts, pages, tasks, tmp_path):
    (tmp_path / "other.py").write_text(TWO_TASKS.replace("find", "seek"))
    run = hosts.run(pages, tasks, *OPEN, "--wait-hosts", "20")
    worker = hosts.worker(str(tmp_path / "other.py"))
    assert worker.end() == 1
    assert "its locustfile differs (digest " in worker.lines[-1]
    run.process.terminate()
    assert run.end() == 130


def test_a_port_in_use_ends_the_run_before_it_begins(hosts, pages):
    for port in (hosts.port, hosts.port + 1):
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            run = hosts.run(pages, None, *OPEN)
            assert run.end() == 1
        (line,) = run.lines
        assert f"port {port} of 127.0.0.1 cannot be used: Address already in use" in line
        assert "--bind 127.0.0.1:PORT" in line


def test_a_run_without_an_address_is_for_this_machine_alone(own_command, pages):
    with socket.socket() as taken:
        with suppress(OSError):  # where another program has the port, it is in use as well
            taken.bind(("127.0.0.1", run_channel.DEFAULT_PORT))
            taken.listen()
        finished = own_command.refuse("run", "--target", pages, "--hosts", "1", *OPEN, TRACETRACK_HOSTS_SECRET=SECRET)
    assert f"port {run_channel.DEFAULT_PORT} of 127.0.0.1 cannot be used" in finished.stderr


def test_an_address_of_another_machine_cannot_be_bound(own_command, pages):
    own = {"TRACETRACK_HOSTS_SECRET": SECRET}
    finished = own_command.refuse("run", "--target", pages, "--hosts", "1", "--bind", "192.0.2.1", *OPEN, **own)
    assert finished.returncode == 1
    assert "of 192.0.2.1 cannot be used: Cannot assign requested address; name another" in finished.stderr


def test_a_worker_that_is_not_allowed_to_load_the_target_leaves(hosts, pages):
    """The run's own host has confirmed it; the worker's has not."""
    run = hosts.run("http://192.0.2.9:80", None, "--confirm-target", "192.0.2.9", *OPEN, "--wait-hosts", "20")
    worker = hosts.worker(None)
    assert worker.end() == 2
    assert "confirm the host: --confirm-target 192.0.2.9" in worker.lines[-1]
    wait_for(lambda: "has left: 192.0.2.9 is not this machine" in run.errors, 10, run.errors)
    run.process.terminate()
    assert run.end() == 130


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "message"),
    [
        (("worker", "--master", "here"), {}, 2, "TRACETRACK_HOSTS_SECRET is not set; set"),
        (("worker", "--master", "here"), {"TRACETRACK_HOSTS_SECRET": "short"}, 2, "is too short, or has other"),
        (("worker", "--master", "http://here"), {}, 2, "it looks like HOST or HOST:PORT"),
        (("worker", "--master", "here:"), {}, 2, "it looks like HOST or HOST:PORT"),
        (("worker", "--master", "here:65535"), {}, 2, "no port between 1 and 65534"),
        (("run", "--target", "http://127.0.0.1:9", "--hosts", "2", *OPEN), {}, 2, "TRACETRACK_HOSTS_SECRET is not set"),
        (("run", "--deployment", "tuned", "--hosts", "2", *OPEN), {}, 2, "--hosts goes with --target"),
        (("run", "--target", "http://127.0.0.1:9", "--bind", "0.0.0.0", *OPEN), {}, 2, "--bind and --wait-hosts go"),
        (
            ("run", "--target", "http://127.0.0.1:9", "--hosts", "40", "--processes", "2", *OPEN),
            {},
            2,
            "40 hosts with 2 processes each have more than 64 processes",
        ),
    ],
)
def test_options_that_do_not_fit_are_one_line(own_command, monkeypatch, arguments, environ, code, message):
    monkeypatch.delenv("TRACETRACK_HOSTS_SECRET", raising=False)
    finished = own_command.refuse(*arguments, **environ)
    assert (finished.returncode, finished.stdout) == (code, "")
    (line,) = finished.stderr.splitlines()
    assert message in line

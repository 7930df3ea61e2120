"""The server against its own log: what it drew is what it did."""

import http.client
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from workbench.errors import UserError
from workbench.paths import REPOSITORY

from . import log, theory
from .delays import DISTRIBUTIONS, FAST_MS, FAST_SHARE, FIXED_MS, SHORT_MS, SLOW_MS
from .server import running

AT_ONCE = {"/empty": 200, "/login-page?next=1": 200, "/error": 500, "/nowhere": 404, "/echo": 200}
# 0.1 to 0.2 ms on an idle machine. This is what no busy one explains at the median of many: slices of its scheduler.
LATE_MS = 10.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator["Shared"]:
    path = tmp_path_factory.mktemp("shared") / "server.csv"
    with running(path) as (_, port):
        yield Shared(port, path)


@dataclass(frozen=True)
class Shared:
    """A server for all tests that need nothing but one, each of which asks by names of its own."""

    port: int
    path: Path

    def logged(self, name: str, lines: int = 1) -> list[log.Entry]:
        """Its requests whose id begins so. The log is promised within a second; this waits ten."""
        deadline = time.monotonic() + 10
        while True:
            found = [entry for entry in log.read(self.path) if entry.id.startswith(name)]
            if len(found) == lines or time.monotonic() > deadline:
                assert len(found) == lines
                return found
            time.sleep(0.05)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> dict[str, tuple[list, list[log.Entry]]]:
    """For each distribution what 400 requests were answered, from 20 users at a time, and what was logged of them."""
    path = tmp_path_factory.mktemp("drawn") / "server.csv"
    with running(path, "--seed", "4") as (_, port):
        answers = {asked: ask_together(port, asked, connections=20, times=20) for asked in DISTRIBUTIONS}
    entries = log.read(path)
    return {asked: (answers[asked], [entry for entry in entries if entry.path == asked]) for asked in DISTRIBUTIONS}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "server.csv"


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        yield connection


def head(path, *headers):
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: here", *headers, "", "")).encode()


def read_until_end(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(port: int, path: str, times: int = 1, name: str = "") -> list[tuple[int, bytes, float]]:
    """Status, body and milliseconds of requests that follow each other on one connection."""
    answers = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as client:
        for number in range(times):
            begun_s = time.monotonic()
            client.request("GET", path, headers={"X-Request-ID": f"{name}{number}"})
            answer = client.getresponse()
            answers.append((answer.status, answer.read(), (time.monotonic() - begun_s) * 1e3))
    return answers


def ask_together(port, path, connections, times, name=""):
    with ThreadPoolExecutor(connections) as pool:
        asked = [pool.submit(ask, port, path, times, f"{name}{number}-") for number in range(connections)]
    return [answer for future in asked for answer in future.result()]


@pytest.mark.parametrize("asked", DISTRIBUTIONS)
def test_answers_take_what_was_drawn(drawn, asked):
    answers, entries = drawn[asked]
    told_ms = [json.loads(body)["drawn_ms"] for _, body, _ in answers]
    assert len(entries) == 400
    assert sorted(told_ms) == sorted(entry.drawn_ms for entry in entries)
    late_ms = [entry.late_ms for entry in entries]
    assert min(late_ms) > -0.01
    assert statistics.median(late_ms) < LATE_MS
    beyond_ms = [taken_ms - drawn_ms for (*_, taken_ms), drawn_ms in zip(answers, told_ms, strict=True)]
    assert min(beyond_ms) > -0.01
    assert statistics.median(beyond_ms) < 5 * LATE_MS  # twenty threads of one interpreter measured this


def test_the_distributions_are_those_of_the_theory(drawn):
    drawn_ms = {path: [entry.drawn_ms for entry in entries] for path, (_, entries) in drawn.items()}
    exponential, points = drawn_ms["/exponential"], drawn_ms["/two-point"]
    assert (set(drawn_ms["/fixed"]), set(drawn_ms["/short"])) == ({FIXED_MS}, {SHORT_MS})
    # Seeded, so that these pass always or never; three standard errors of 400 draws.
    for p in (0.5, 0.95):
        error_ms = theory.standard_error_ms("/exponential", p, 400)
        assert abs(sorted(exponential)[round(400 * p) - 1] - theory.quantile("/exponential", p)) < 3 * error_ms
    assert set(points) == {FAST_MS, SLOW_MS}
    assert abs(points.count(FAST_MS) / 400 - FAST_SHARE) < 3 * 0.3 / 20


def test_a_seed_draws_the_same_whatever_else_is_asked_for(tmp_path):
    drawn_ms = []
    for name, seed, others in (("one", "7", 0), ("mixed", "7", 3), ("other", "8", 0)):
        path = tmp_path / f"{name}.csv"
        with running(path, "--seed", seed) as (_, port):
            ask(port, "/two-point", others)
            ask(port, "/exponential", 8)
        drawn_ms.append([entry.drawn_ms for entry in log.read(path) if entry.path == "/exponential"])
    one, mixed, other = drawn_ms
    assert one == mixed
    assert one != other


def test_requests_do_not_wait_for_each_other(shared):
    ask_together(shared.port, "/slow-header", connections=20, times=1, name="together ")
    entries = shared.logged("together ", 20)
    # One after another they would take 4 s.
    assert max(entry.answered_ns for entry in entries) - min(entry.received_ns for entry in entries) < 2e9


def test_what_is_served_at_once(shared):
    answers = {path: ask(shared.port, path, name="at once, ")[0] for path in AT_ONCE}
    assert {path: status for path, (status, *_) in answers.items()} == AT_ONCE
    assert answers["/empty"][1] == b""
    assert b"<form" in answers["/login-page?next=1"][1]
    assert json.loads(answers["/echo"][1])["x-request-id"] == "at once, 0"
    entries = shared.logged("at once, ", len(AT_ONCE))
    assert [entry.path for entry in entries] == [path.partition("?")[0] for path in AT_ONCE]
    assert {entry.drawn_ms for entry in entries} == {0.0}


def test_a_slow_header_begins_at_once(shared):
    with connected(shared.port) as connection:
        begun_s = time.monotonic()
        connection.sendall(head("/slow-header", "X-Request-ID: slow", "Connection: close"))
        first, first_s = connection.recv(65536), time.monotonic() - begun_s
        rest, whole_s = read_until_end(connection), time.monotonic() - begun_s
    assert first == b"HTTP/1.1 200 OK\r\n"
    assert first_s < whole_s
    assert whole_s >= 0.2
    assert rest.startswith(b"Content-Type: ")
    assert rest.endswith(b'\r\n\r\n{"drawn_ms": 200.0}')
    assert shared.logged("slow")[0].drawn_ms == 200


def test_a_reset_is_one(shared):
    with connected(shared.port) as connection:
        connection.sendall(head("/reset", "X-Request-ID: reset"))
        with pytest.raises(ConnectionResetError):
            connection.recv(65536)
    assert shared.logged("reset")[0].path == "/reset"


def test_rubbish_is_no_http(shared):
    with pytest.raises(http.client.BadStatusLine):
        ask(shared.port, "/rubbish", name="rubbish ")
    assert shared.logged("rubbish ")[0].path == "/rubbish"


def test_requests_in_pieces_with_bodies_and_in_one_go(shared):
    with connected(shared.port) as connection:
        for byte in b"POST /fixed HTTP/1.1\r\nX-Request-ID: piece 1\r\nContent-Length: 9\r\n\r\nGET / HTT":
            connection.sendall(bytes([byte]))
        connection.sendall(
            head("/empty", "X-Request-ID: piece 2") + head("/error", "X-Request-ID: piece 3", "Connection: close")
        )
        answers = read_until_end(connection)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"500"]
    assert [entry.path for entry in shared.logged("piece ", 3)] == ["/fixed", "/empty", "/error"]


@pytest.mark.parametrize("sent", [b"\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno\r\n\r\n", b"x" * 70_000])
def test_what_is_no_request_is_refused(shared, sent):
    with connected(shared.port) as connection:
        connection.sendall(sent)
        with suppress(ConnectionResetError):  # of what it had not read
            assert read_until_end(connection).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_leaves_is_in_the_log(shared):
    with connected(shared.port) as connection:
        connection.sendall(head("/slow-header", "X-Request-ID: left"))
        connection.recv(100)
    assert shared.logged("left")[0].answered_ns is None


def test_the_server_stands_still_once(path):
    with running(path, "--stall-after", "0.3", "--stall", "0.6") as (child, port):
        answers = ask(port, "/empty", 1)
        while len(child.last_line().split()) < 7:
            answers += ask(port, "/empty", 1)
        *_, begun_ns, _, ended_ns, _ = child.last_line().split()
        answers += ask(port, "/empty", 5)
    entries, stall = log.read(path), range(int(begun_ns), int(ended_ns))
    assert len(stall) >= 0.6e9
    assert stall.start - entries[0].received_ns >= 0.3e9
    assert not [entry for entry in entries if entry.received_ns in stall]
    assert len(entries) == len(answers)
    # A user who waits for his answer meets it once, and waits for the rest of it.
    assert len([taken_ms for _, _, taken_ms in answers if taken_ms > 300]) == 1


def test_what_is_due_in_a_stall_is_answered_after_it(path):
    with running(path, "--stall-after", "0.1", "--stall", "0.5") as (_, port):
        ask(port, "/slow-header")
    assert log.read(path)[0].late_ms > 350


def test_sigterm_ends_it_with_every_request_in_the_log(path):
    with running(path) as (child, port), connected(port) as connection:
        ask(port, "/empty", 100)
        connection.sendall(head("/slow-header", "X-Request-ID: unanswered"))
        assert connection.recv(100)
        child.process.send_signal(signal.SIGTERM)
        assert child.wait(10)
        assert child.process.returncode == 0
    entries = log.read(path)
    assert len(entries) == 101
    assert (entries[-1].id, entries[-1].answered_ns) == ("unanswered", None)


def test_it_ends_with_its_parent(path):
    command = [sys.executable, "-m", "tests.accuracy.server", "--log", str(path)]
    script = f"import subprocess, time; print(subprocess.Popen({command!r}).pid, flush=True); time.sleep(60)"
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environ) as parent:
        server = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline().startswith("listening on ")
        parent.kill()
        server.wait(10)


def test_a_port_that_is_taken_is_told(shared, path):
    with pytest.raises(UserError, match=f"port {shared.port} cannot be"), running(path, "--port", str(shared.port)):
        pass

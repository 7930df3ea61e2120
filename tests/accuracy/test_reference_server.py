"""The reference server, compared with its own log: each response takes the service time that was drawn."""

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
from workbench.polling import attempts

from . import server_log, theory
from .reference_server import running
from .service_times import DISTRIBUTIONS, FAST_MS, FAST_SHARE, FIXED_MS, SHORT_MS, SLOW_MS

IMMEDIATE = {"/empty": 200, "/login-page?next=1": 200, "/error": 500, "/nowhere": 404, "/echo": 200}
# 0.1 to 0.2 ms on an idle machine; even on a busy one the median of many is below this, some slices of the scheduler.
MAX_MEDIAN_LATE_MS = 10.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator["Shared"]:
    path = tmp_path_factory.mktemp("shared") / "server.csv"
    with running(path) as (_, port):
        yield Shared(port, path)


@dataclass(frozen=True)
class Shared:
    """A server for all tests that need no options; each uses request names of its own."""

    port: int
    path: Path

    def logged(self, name: str, lines: int = 1) -> list[server_log.Entry]:
        """The log's entries whose id begins with `name`. They are promised within a second; this waits ten."""
        for _ in attempts(10, 0.05):
            entries = [entry for entry in server_log.read(self.path) if entry.id.startswith(name)]
            if len(entries) == lines:
                break
        assert len(entries) == lines
        return entries


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> dict[str, tuple[list, list[server_log.Entry]]]:
    """For each distribution the responses to 400 requests of 20 users at a time, and their log entries."""
    log = tmp_path_factory.mktemp("drawn") / "server.csv"
    with running(log, "--seed", "4") as (_, port):
        responses = {path: send_together(port, path, connections=20, times=20) for path in DISTRIBUTIONS}
    entries = server_log.read(log)
    return {path: (responses[path], [entry for entry in entries if entry.path == path]) for path in DISTRIBUTIONS}


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


def send(port: int, path: str, times: int = 1, name: str = "") -> list[tuple[int, bytes, float]]:
    """Send requests one after the other on one connection; returns status, body and milliseconds of each."""
    responses = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as client:
        for number in range(times):
            start_s = time.monotonic()
            client.request("GET", path, headers={"X-Request-ID": f"{name}{number}"})
            response = client.getresponse()
            responses.append((response.status, response.read(), (time.monotonic() - start_s) * 1e3))
    return responses


def send_together(port, path, connections, times, name=""):
    with ThreadPoolExecutor(connections) as pool:
        users = [pool.submit(send, port, path, times, f"{name}{number}-") for number in range(connections)]
    return [response for future in users for response in future.result()]


@pytest.mark.exclusive
@pytest.mark.parametrize("path", DISTRIBUTIONS)
def test_responses_take_the_drawn_service_time(drawn, path):
    responses, entries = drawn[path]
    reported_ms = [json.loads(body)["drawn_ms"] for _, body, _ in responses]
    assert len(entries) == 400
    assert sorted(reported_ms) == sorted(entry.drawn_ms for entry in entries)
    late_ms = [entry.late_ms for entry in entries]
    assert min(late_ms) > -0.01
    assert statistics.median(late_ms) < MAX_MEDIAN_LATE_MS
    beyond_ms = [taken_ms - drawn_ms for (*_, taken_ms), drawn_ms in zip(responses, reported_ms, strict=True)]
    assert min(beyond_ms) > -0.01
    assert statistics.median(beyond_ms) < 5 * MAX_MEDIAN_LATE_MS  # twenty threads of one interpreter measured this


@pytest.mark.simulated
def test_drawn_times_have_the_distributions_of_the_theory(drawn):
    drawn_ms = {path: [entry.drawn_ms for entry in entries] for path, (_, entries) in drawn.items()}
    exponential, points = drawn_ms["/exponential"], drawn_ms["/two-point"]
    assert (set(drawn_ms["/fixed"]), set(drawn_ms["/short"])) == ({FIXED_MS}, {SHORT_MS})
    # Seeded, so that these pass always or never; three standard errors of 400 draws.
    for p in (0.5, 0.95):
        error_ms = theory.standard_error_ms("/exponential", p, 400)
        assert abs(sorted(exponential)[round(400 * p) - 1] - theory.quantile("/exponential", p)) < 3 * error_ms
    assert set(points) == {FAST_MS, SLOW_MS}
    assert abs(points.count(FAST_MS) / 400 - FAST_SHARE) < 3 * 0.3 / 20


def test_drawn_times_depend_on_the_seed_and_not_on_other_paths(tmp_path):
    drawn_ms = []
    for name, seed, others in (("single", "7", 0), ("mixed", "7", 3), ("other", "8", 0)):
        path = tmp_path / f"{name}.csv"
        with running(path, "--seed", seed) as (_, port):
            send(port, "/two-point", others)
            send(port, "/exponential", 8)
        drawn_ms.append([entry.drawn_ms for entry in server_log.read(path) if entry.path == "/exponential"])
    single, mixed, other = drawn_ms
    assert single == mixed
    assert single != other


@pytest.mark.exclusive
def test_requests_do_not_wait_for_each_other(shared):
    send_together(shared.port, "/slow-header", connections=20, times=1, name="together ")
    entries = shared.logged("together ", 20)
    # One after another they would take 4 s.
    assert max(entry.answered_ns for entry in entries) - min(entry.received_ns for entry in entries) < 2e9


@pytest.mark.exclusive
def test_immediate_paths_answer_without_delay(shared):
    responses = {path: send(shared.port, path, name="immediate ")[0] for path in IMMEDIATE}
    assert {path: status for path, (status, *_) in responses.items()} == IMMEDIATE
    assert responses["/empty"][1] == b""
    assert b"<form" in responses["/login-page?next=1"][1]
    assert json.loads(responses["/echo"][1])["x-request-id"] == "immediate 0"
    entries = shared.logged("immediate ", len(IMMEDIATE))
    assert [entry.path for entry in entries] == [path.partition("?")[0] for path in IMMEDIATE]
    assert {entry.drawn_ms for entry in entries} == {0.0}


@pytest.mark.exclusive
def test_slow_header_sends_its_first_line_at_once(shared):
    with connected(shared.port) as connection:
        start_s = time.monotonic()
        connection.sendall(head("/slow-header", "X-Request-ID: slow", "Connection: close"))
        first, first_s = connection.recv(65536), time.monotonic() - start_s
        rest, whole_s = read_until_end(connection), time.monotonic() - start_s
    assert first == b"HTTP/1.1 200 OK\r\n"
    assert first_s < whole_s
    assert whole_s >= 0.2
    assert rest.startswith(b"Content-Type: ")
    assert rest.endswith(b'\r\n\r\n{"drawn_ms": 200.0}')
    assert shared.logged("slow")[0].drawn_ms == 200


def test_reset_path_resets_the_connection(shared):
    with connected(shared.port) as connection:
        connection.sendall(head("/reset", "X-Request-ID: reset"))
        with pytest.raises(ConnectionResetError):
            connection.recv(65536)
    assert shared.logged("reset")[0].path == "/reset"


def test_rubbish_path_answers_what_is_not_http(shared):
    with pytest.raises(http.client.BadStatusLine):
        send(shared.port, "/rubbish", name="rubbish ")
    assert shared.logged("rubbish ")[0].path == "/rubbish"


def test_requests_are_parsed_from_pieces_and_from_one_packet(shared):
    with connected(shared.port) as connection:
        for byte in b"POST /fixed HTTP/1.1\r\nX-Request-ID: piece 1\r\nContent-Length: 9\r\n\r\nGET / HTT":
            connection.sendall(bytes([byte]))
        connection.sendall(
            head("/empty", "X-Request-ID: piece 2") + head("/error", "X-Request-ID: piece 3", "Connection: close")
        )
        responses = read_until_end(connection)
    assert re.findall(rb"HTTP/1.1 (\d+)", responses) == [b"200", b"200", b"500"]
    assert [entry.path for entry in shared.logged("piece ", 3)] == ["/fixed", "/empty", "/error"]


@pytest.mark.parametrize("sent", [b"\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno\r\n\r\n", b"x" * 70_000])
def test_input_that_is_not_http_gets_status_400(shared, sent):
    with connected(shared.port) as connection:
        connection.sendall(sent)
        with suppress(ConnectionResetError):  # for bytes that it had not read
            assert read_until_end(connection).startswith(b"HTTP/1.1 400 ")


def test_request_of_a_client_that_left_is_logged_as_unanswered(shared):
    with connected(shared.port) as connection:
        connection.sendall(head("/slow-header", "X-Request-ID: left"))
        connection.recv(100)
    assert shared.logged("left")[0].answered_ns is None


@pytest.mark.exclusive
def test_stall_stops_the_server_once(path):
    with running(path, "--stall-after", "0.3", "--stall", "0.6") as (child, port):
        responses = send(port, "/empty", 1)
        while len(child.last_line().split()) < 7:
            responses += send(port, "/empty", 1)
        *_, start_ns, _, end_ns, _ = child.last_line().split()
        responses += send(port, "/empty", 5)
    entries, stall = server_log.read(path), range(int(start_ns), int(end_ns))
    assert len(stall) >= 0.6e9
    assert stall.start - entries[0].received_ns >= 0.3e9
    assert not [entry for entry in entries if entry.received_ns in stall]
    assert len(entries) == len(responses)
    # A user who waits for each response meets the stall once, and waits for the rest of it.
    assert len([taken_ms for _, _, taken_ms in responses if taken_ms > 300]) == 1


@pytest.mark.exclusive
def test_responses_due_in_a_stall_are_sent_after_it(path):
    with running(path, "--stall-after", "0.1", "--stall", "0.5") as (_, port):
        send(port, "/slow-header")
    assert server_log.read(path)[0].late_ms > 350


def test_sigterm_ends_the_server_with_every_request_in_the_log(path):
    with running(path) as (child, port), connected(port) as connection:
        send(port, "/empty", 100)
        connection.sendall(head("/slow-header", "X-Request-ID: unanswered"))
        assert connection.recv(100)
        child.process.send_signal(signal.SIGTERM)
        assert child.wait(10)
        assert child.process.returncode == 0
    entries = server_log.read(path)
    assert len(entries) == 101
    assert (entries[-1].id, entries[-1].answered_ns) == ("unanswered", None)


def test_server_ends_with_its_parent(path):
    command = [sys.executable, "-m", "tests.accuracy.reference_server", "--log", str(path)]
    script = f"import subprocess, time; print(subprocess.Popen({command!r}).pid, flush=True); time.sleep(60)"
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environ) as parent:
        server = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline().startswith("listening on ")
        parent.kill()
        server.wait(10)


def test_port_in_use_is_reported(shared, path):
    with pytest.raises(UserError, match=f"port {shared.port} cannot be"), running(path, "--port", str(shared.port)):
        pass

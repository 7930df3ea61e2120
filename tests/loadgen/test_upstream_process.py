"""The carrier of a run: it answers late and all at once, refuses garbage, costs little, and ends with its block."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import psutil
import pytest

from loadgen.services import upstream_process, upstream_server
from tests.processes import wait_until
from workbench.errors import UserError
from workbench.paths import REPOSITORY

ANSWER_MS = 150.0


@pytest.fixture(scope="module")
def carrier(tmp_path_factory):
    with upstream_server(ANSWER_MS, tmp_path_factory.mktemp("carrier") / "upstream.log") as started:
        yield started


def connect(carrier):
    parts = urlsplit(carrier.url)
    return closing(socket.create_connection((parts.hostname, parts.port), timeout=5))


def request(shipment="TT-1"):
    return f"GET /shipments/{shipment} HTTP/1.1\r\nHost: carrier\r\n\r\n".encode()


def received(connection, end=b"}"):
    content = b""
    while not content.endswith(end) and (part := connection.recv(10_000)):
        content += part
    return content


def test_it_answers_a_question_after_its_time(carrier):
    started_s = time.monotonic()
    with urllib.request.urlopen(f"{carrier.url}/shipments/TT-00000001") as answer:
        assert json.load(answer) == {"id": "TT-00000001", "status": "in transit", "place": "Lucknow"}
    assert time.monotonic() - started_s >= ANSWER_MS / 1000


def test_questions_wait_side_by_side_and_are_counted(carrier):
    before = carrier.readings()["requests"]
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(carrier)) for _ in range(50)]
        for each in connections:
            each.sendall(request())
        assert all(b"TT-1" in received(each) for each in connections)
    readings = carrier.readings()
    assert (readings["answer_ms"], readings["requests"] - before, readings["most_at_once"]) == (ANSWER_MS, 50, 50)


def test_a_connection_stays_open_and_a_request_may_come_in_pieces(carrier):
    with connect(carrier) as connection:
        for shipment in ("TT-1", "TT-2"):
            for place in range(0, len(request(shipment)), 7):
                connection.sendall(request(shipment)[place : place + 7])
            assert shipment.encode() in received(connection)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\0\xff\r\n\r\n", b"400"),
        (b"POST /shipments/TT-1 HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /shipments/TT-1\r\n\r\n", b"400"),
        (b"GET /shipments/TT_1 HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /shipments/" + b"x" * 41 + b" HTTP/1.1\r\n\r\n", b"404"),
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"x" * 20_000, b"431"),
    ],
)
def test_it_refuses_what_is_no_question(carrier, sent, status):
    with connect(carrier) as connection:
        connection.sendall(sent)
        assert received(connection).split()[1] == status


def test_a_client_that_goes_does_no_harm(carrier):
    for _ in range(20):
        with connect(carrier) as connection:
            connection.sendall(request())
    time.sleep(2 * ANSWER_MS / 1000)
    with urllib.request.urlopen(f"{carrier.url}/shipments/TT-1") as answer:
        assert answer.status == 200
    assert carrier.child.log.read_text().count("\n") == 1, "nothing but where it listens"


def test_it_listens_on_this_machine_only(carrier):
    connections = psutil.Process(carrier.child.pid).net_connections("tcp")
    assert [each.laddr.ip for each in connections if each.status == "LISTEN"] == ["127.0.0.1"]


def test_it_is_gone_after_its_block(tmp_path):
    with upstream_server(10.0, tmp_path / "upstream.log") as started:
        assert psutil.pid_exists(started.child.pid)
    assert not psutil.pid_exists(started.child.pid)
    with pytest.raises(UserError, match="the carrier of the run does not answer"):
        started.readings()


def test_it_ends_with_a_parent_that_is_killed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from loadgen.services import upstream_server\n"
        "with upstream_server(10.0, Path(sys.argv[1])) as started:\n"
        "    print(started.child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "upstream.log")], stdout=subprocess.PIPE, cwd=REPOSITORY
    )
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    wait_until(lambda: not psutil.pid_exists(pid))


def test_one_that_cannot_start_is_reported_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(upstream_process, "PROGRAM", tmp_path / "nothing.py")
    with (
        pytest.raises(UserError, match=r"the carrier did not start: .*No such file.*\n.*upstream\.log"),
        upstream_server(10.0, tmp_path / "upstream.log"),
    ):
        pass

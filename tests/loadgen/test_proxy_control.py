"""The control socket of the proxy: commands, answers in one line, and clients that misbehave."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

from loadgen import proxy
from loadgen.proxy_control import MAX_COMMAND_BYTES
from tests.loadgen.proxy_servers import connect, echo_or_flood, ping
from workbench.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SLOW = {"command": "add", "name": "slow", "kind": "latency", "attributes": {"latency_ms": 60_000}}
CLEAR_LINE = b'{"command": "clear"}\n'


@pytest.fixture
def running(make_proxy):
    return make_proxy(echo_or_flood)


def control(running):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(running.control_socket))
    return client


def answers(running, content, number=1):
    """The answers to bytes that are sent to the control socket."""
    with control(running) as client:
        client.sendall(content)
        with client.makefile("rb") as lines:
            return [json.loads(lines.readline()) for _ in range(number)]


def has_no_toxics(running):
    with pytest.raises(UserError, match=r"^there is no toxic 'any'; there are none$"):
        running.remove("any")
    with connect(running) as client:
        ping(client)
    return True


def test_answer_is_the_instant_at_which_a_command_came_into_force(running):
    for send in (lambda: running.add("t", "timeout", timeout_ms=0), lambda: running.remove("t"), running.clear):
        before_s = time.monotonic()
        in_force_s = send()
        assert before_s <= in_force_s <= time.monotonic()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a command is a JSON object in one line, with the field command: one of add, remove, clear"),
        (b"{nonsense", "a command is a JSON object"),
        (b"\xff\xfe", "a command is a JSON object"),
        (b"[" * 4000, "a command is a JSON object"),
        (b'["add"]', "a command is a JSON object"),
        (b"{}", "a command is one of add, remove, clear; not None"),
        (b'{"command": ["add"]}', "a command is one of add, remove, clear; not ['add']"),
        (b'{"command": "list"}', "a command is one of add, remove, clear; not 'list'"),
        (b'{"command": "clear", "name": "x"}', "clear has no field 'name'; it has none"),
        (b'{"command": "remove"}', "there is no toxic None; there are none"),
        (b'{"command": "remove", "name": []}', "there is no toxic []; there are none"),
        (b'{"command": "remove", "name": "x\\ny\\ud800"}', "there is no toxic 'x\\ny\\ud800'; there are none"),
        (json.dumps(SLOW | {"kind": "slow"}).encode(), "the kind of a toxic is one of latency,"),
        (
            json.dumps(SLOW | {"since": 1}).encode(),
            "add has no field 'since'; it has name, kind, direction, attributes",
        ),
        (json.dumps(SLOW | {"attributes": {"latency_ms": -1}}).encode(), "latency_ms of latency is a number from 0"),
        (json.dumps(SLOW | {"attributes": {"delay_ms": 1}}).encode(), "latency has no attribute 'delay_ms'"),
        (json.dumps(SLOW | {"direction": "down"}).encode(), "the direction of a toxic is one of"),
        (b"x" * (MAX_COMMAND_BYTES + 1), "a command has at most 4096 bytes"),
        (json.dumps(SLOW | {"kind": "x" * 100_000}).encode(), "a command has at most 4096 bytes"),
    ],
)
def test_bad_command_is_answered_in_one_line_and_changes_nothing(running, content, message):
    refusal, cleared = answers(running, content + b"\n" + CLEAR_LINE, 2)
    assert list(refusal) == ["error"]
    assert refusal["error"].startswith(message)
    assert "\n" not in refusal["error"]
    assert list(cleared) == ["in_force_s"]
    assert has_no_toxics(running)


def test_second_toxic_of_a_name_is_refused_and_the_first_stays(running):
    running.add("far", "latency", latency_ms=100)
    with pytest.raises(UserError, match=r"^there is a toxic far already; remove it first, or choose another name$"):
        running.add("far", "timeout", timeout_ms=0)
    with connect(running) as client:
        assert ping(client) >= 0.2


def test_bad_values_of_the_python_interface_raise_user_error_with_the_line(running):
    with pytest.raises(UserError, match=r"^latency_ms of latency is a number from 0 to 600000, not nan$"):
        running.add("far", "latency", latency_ms=float("nan"))
    with pytest.raises(UserError, match=r"^a command has at most 4096 bytes$"):
        running.add("far" * 1_000_000, "latency", latency_ms=1)
    assert has_no_toxics(running)


def test_commands_may_come_in_pieces_or_several_at_once(running):
    line = json.dumps(SLOW).encode() + b"\n"
    with control(running) as client, client.makefile("rb") as lines:
        for position in range(len(line)):
            client.sendall(line[position : position + 1])
        assert "in_force_s" in json.loads(lines.readline())
    added, removed, refused = answers(
        running, line.replace(b"slow", b"other") + b'{"command": "remove", "name": "slow"}\n' * 2, 3
    )
    assert added["in_force_s"] <= removed["in_force_s"]
    assert refused == {"error": "there is no toxic 'slow'; there are other"}


def test_client_that_goes_away_does_no_harm(running):
    line = json.dumps(SLOW).encode()
    with control(running) as client:
        client.sendall(line[:20])
    with control(running) as client:
        client.sendall(line)  # without the end of the line: no command
    with control(running):
        pass
    with control(running) as client:
        client.sendall(CLEAR_LINE * 100)  # answers that it does not take
    assert has_no_toxics(running)


def test_client_that_takes_no_answers_is_disconnected(running):
    with control(running) as client, pytest.raises(ConnectionError):
        client.sendall(CLEAR_LINE * 1_000_000)
    assert has_no_toxics(running)


def test_socket_is_the_owners_only_and_gone_with_the_proxy(tmp_path):
    with proxy.through(("127.0.0.1", 1), 0, tmp_path / "proxy.log") as running:
        assert stat.S_IMODE(running.control_socket.stat().st_mode) == 0o600
        assert running.control_socket == tmp_path / "proxy.control"
    assert not running.control_socket.exists()


def test_folder_may_have_a_longer_path_than_a_socket(tmp_path):
    folder = tmp_path / ("long" * 50)
    folder.mkdir()
    with proxy.through(("127.0.0.1", 1), 0, folder / "proxy.log") as running:
        assert running.control_socket.is_socket()
        running.add("far", "latency", latency_ms=1)
        running.remove("far")


def test_socket_that_a_killed_command_left_behind_is_replaced(tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "proxy.control"))
    with proxy.through(("127.0.0.1", 1), 0, tmp_path / "proxy.log") as running:
        running.clear()


def test_proxy_that_has_ended_or_stands_still_is_reported_in_one_line(running, monkeypatch):
    monkeypatch.setattr("loadgen.proxy_control.ANSWER_TIMEOUT_S", 0.2)
    os.kill(running.child.pid, signal.SIGSTOP)
    with pytest.raises(UserError, match=r"^the proxy with the control socket .* does not answer: timed out$"):
        running.clear()
    os.kill(running.child.pid, signal.SIGCONT)
    running.child.kill()
    running.child.process.wait()
    with pytest.raises(UserError, match=r"^the proxy with the control socket .* does not answer: Connection refused$"):
        running.clear()


def test_control_socket_that_cannot_be_made_is_reported_in_one_line(tmp_path):
    path = tmp_path / "missing" / "proxy.control"
    options = {"--listen": "127.0.0.1:0", "--upstream": "127.0.0.1:1", "--round-trip-ms": "1", "--control": str(path)}
    command = [sys.executable, "-m", "loadgen.proxy", *(word for pair in options.items() for word in pair)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert finished.returncode == 1
    message = f"Error: {path} cannot be a control socket (No such file or directory); choose another --control\n"
    assert finished.stderr == message

"""The control of a running proxy: commands that add and remove toxics, over a Unix socket.

A command is a JSON object in one line, and so is its answer:

    {"command": "add", "name": "slow", "kind": "latency", "direction": "both", "attributes": {"latency_ms": 50}}
    {"command": "remove", "name": "slow"}
    {"command": "clear"}

`direction` is `both`, and `attributes` none, where the command has none. The answer is `{"in_force_s": 1234.5}`, the
instant from which all connections have the change, by the monotonic clock that all processes of a machine share; or
`{"error": "…"}`, and nothing has changed.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import UserError

from .relay import Relay
from .socket_loop import READ, SocketLoop
from .toxics import BOTH, make_toxic

MAX_COMMAND_BYTES = 4096
MAX_SOCKET_PATH_BYTES = 107
ANSWER_TIMEOUT_S = 5.0
ADD, REMOVE, CLEAR = "add", "remove", "clear"
FIELDS = {ADD: ("name", "kind", "direction", "attributes"), REMOVE: ("name",), CLEAR: ()}


class ControlServer:
    """Accepts commands for a relay in its event loop. The socket is its owner's only."""

    def __init__(self, loop: SocketLoop, path: Path, relay: Relay):
        """Listen at `path`. Raises `UserError` if that is not possible."""
        self._loop = loop
        self._relay = relay
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.setblocking(False)
        umask = os.umask(0o177)
        try:
            with _short(path) as place:
                self._listener.bind(place)
            self._listener.listen()
        except OSError as error:
            raise UserError(f"{path} cannot be a control socket ({error.strerror}); choose another --control") from None
        finally:
            os.umask(umask)
        loop.selector.register(self._listener, READ, self._accept)

    def _accept(self, events: int) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            raise UserError(f"the proxy can accept no more control connections: {error.strerror}") from None
        client.setblocking(False)
        _ControlConnection(self._loop, client, self._relay)


class _ControlConnection:
    """A client of the control socket, with the beginning of a line that has not come whole yet."""

    def __init__(self, loop: SocketLoop, sock: socket.socket, relay: Relay):
        self._loop = loop
        self._socket = sock
        self._relay = relay
        self._partial = b""
        self._skips_line = False  # its answer has been sent
        self._is_closed = False
        loop.selector.register(sock, READ, self._serve)

    def _serve(self, events: int) -> None:
        try:
            received = self._socket.recv(MAX_COMMAND_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._close()
            return
        *lines, self._partial = (self._partial + received).split(b"\n")
        for line in lines:
            self._answer(line)
            self._skips_line = False
        if len(self._partial) > MAX_COMMAND_BYTES:
            self._answer(self._partial)
            self._partial, self._skips_line = b"", True

    def _answer(self, line: bytes) -> None:
        """Execute a command and send its answer; a client that does not take it is disconnected."""
        if self._skips_line or self._is_closed:
            return
        try:
            answer: dict[str, Any] = {"in_force_s": _execute(self._relay, _parsed(line))}
        except UserError as error:
            answer = {"error": error.message}
        content = json.dumps(answer).encode() + b"\n"
        try:
            sent = self._socket.send(content)
        except OSError:
            sent = 0
        if sent < len(content):
            self._close()

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._loop.selector.unregister(self._socket)
            self._socket.close()


def _parsed(line: bytes) -> dict[str, Any]:
    """The fields of a command. Raises `UserError` if it is none."""
    if len(line) > MAX_COMMAND_BYTES:
        raise UserError(f"a command has at most {MAX_COMMAND_BYTES} bytes")
    try:
        fields = json.loads(line.decode())
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise UserError(f"a command is a JSON object in one line, with the field command: one of {', '.join(FIELDS)}")
    command = fields.get("command")
    if not isinstance(command, str) or command not in FIELDS:
        raise UserError(f"a command is one of {', '.join(FIELDS)}; not {command!r:.80}")
    for field in fields:
        if field not in ("command", *FIELDS[command]):
            raise UserError(f"{command} has no field {field!r:.80}; it has {', '.join(FIELDS[command]) or 'none'}")
    return fields


def _execute(relay: Relay, fields: Mapping[str, Any]) -> float:
    """Execute a command; returns the instant at which it came into force (monotonic seconds)."""
    name, command = fields.get("name"), fields["command"]
    if command == ADD:
        direction, attributes = fields.get("direction", BOTH), fields.get("attributes", {})
        return relay.add(make_toxic(name, fields.get("kind"), direction, attributes))
    return relay.remove(name) if command == REMOVE else relay.clear()


def request(path: Path, command: Mapping[str, Any]) -> float:
    """Send a command to the proxy whose control socket this is; returns the instant at which it came into force.

    The instant is in monotonic seconds. Raises `UserError` with one line if the command was refused, or without an
    answer: then it may be in force or not.
    """
    try:
        with _short(path) as place, socket.socket(socket.AF_UNIX) as client:
            client.settimeout(ANSWER_TIMEOUT_S)
            client.connect(place)
            client.sendall(json.dumps(command).encode() + b"\n")
            with client.makefile("rb") as answers:
                line = answers.readline()
    except OSError as error:
        raise UserError(
            f"the proxy with the control socket {path} does not answer: {error.strerror or error}"
        ) from None
    if not line.endswith(b"\n"):
        raise UserError(f"the proxy with the control socket {path} ended before it answered")
    answer = json.loads(line)
    if "error" in answer:
        raise UserError(answer["error"])
    return answer["in_force_s"]


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A path of the socket that has at most the bytes that the kernel takes: a folder may lie deeper."""
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)

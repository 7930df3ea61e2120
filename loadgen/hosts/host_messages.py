"""Messages between a run and its workers: a kind, fields as JSON, and bytes, over ZeroMQ.

From a worker to the run:

| kind | says |
| --- | --- |
| `join` | what it is: name, process id, versions, digest of its locustfile, wall clock |
| `probe` | a reading of its clock, to be answered at once |
| `clock` | how its clock relates to the run's: as it joined (then it is ready), at the beginning, or at the end |
| `part` | bytes of a file, from an offset on |
| `beat` | it is there |
| `complete` | its processes have ended: size and digest of each file |
| `failed` | a process ended before its time, and why |
| `left` | it ends itself before its time, and why |

From the run to a worker: `refused` (why), `welcome` (the target), `probe` (both readings), `begin` (the load), `length`
(how much of a file has arrived), `beat`, `stop`, `bye` (all of it has arrived).
"""

import json
from typing import Any, NamedTuple

import zmq

MAX_BYTES = 2 * 2**20  # of a message; a worker sends parts of an eighth of that
BEAT_S = 1.0
SILENCE_S = 10.0  # after which the other side is lost


class Message(NamedTuple):
    """A message as it came."""

    kind: str
    fields: dict[str, Any]
    content: bytes = b""


def frames(kind: str, content: bytes = b"", **fields: Any) -> list[bytes]:
    """A message in the form in which it is sent."""
    return [json.dumps([kind, fields]).encode(), content]


def parse(received: list[bytes]) -> Message:
    """The message of received frames. Raises `ValueError` for anything else."""
    head, content = received
    try:
        kind, fields = json.loads(head)
    except (TypeError, RecursionError):
        raise ValueError("no message") from None
    if not isinstance(kind, str) or not isinstance(fields, dict):
        raise ValueError("no message")
    return Message(kind, fields, content)


def prepare(socket: zmq.Socket) -> None:
    """Bound what a socket takes and keeps: a message that is too large ends its connection."""
    socket.setsockopt(zmq.LINGER, 500)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.HEARTBEAT_IVL, 2_000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 8_000)

"""The hub of a run over hosts: a thread that lets workers join, answers their probes, and takes their files.

It answers within a millisecond, whatever the command does meanwhile, and touches no process. What it finds, the command
reads from it: `news` to print, `problem` that ends the run.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import zmq

from workbench.text_cleaning import Target, cleaned

from .. import host_secret
from ..generator.recorder import NOT_WRITTEN
from . import clock_relation, host_messages, host_place
from .clock_relation import ClockRelation
from .host_admission import Admission, wall_difference_s
from .host_messages import BEAT_S, Message
from .joined_host import COMPLETE, JOINED, LOST, READY, RUNNING, JoinedHost, file_names
from .received_files import ReceivedFiles

POLL_MS = 50
MORE_SPACE = "free some space, or set TRACETRACK_DATA_DIR to a larger disk"
MAX_TEXT = 300  # characters of what a worker says of itself


class HostHub:
    """Serves the workers of one run, from `start` until `close`.

    `wanted` is the number of hosts, `offered` what a worker needs to know before it is ready: the target's `url`, and
    the `locustfile` by its digest (None for the user classes of the workbench).
    """

    def __init__(self, wanted: int, offered: Mapping[str, Any]):
        self.news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.problem = ""  # the first thing that ends the run
        self.refusal = ""  # why a scenario cannot keep what the locustfile means, by a worker
        self.hosts: dict[bytes, JoinedHost] = {}
        self._wanted = wanted
        self._offered = dict(offered)
        self._admission = Admission(wanted, offered["locustfile"])
        self._is_under_way = False
        self._is_ending = False
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="host hub", daemon=True)
        self._beat_due_s = 0.0
        self._socket: zmq.Socket = zmq.Context.instance().socket(zmq.ROUTER)
        host_messages.prepare(self._socket)
        self._socket.setsockopt(zmq.ROUTER_HANDOVER, 1)

    def start(self, address: str, port: int, keys: host_secret.Keys) -> None:
        """Listen at an address of this host. Raises `zmq.ZMQError` if that cannot be."""
        host_secret.guard_server(self._socket, keys)
        try:
            self._socket.bind(f"tcp://{address}:{port}")
        except zmq.ZMQError:
            self._socket.close(0)
            raise
        self._thread.start()

    @property
    def is_gathered(self) -> bool:
        """True if as many hosts as wanted are ready, each with its clock related."""
        return sum(host.status == READY for host in list(self.hosts.values())) == self._wanted

    @property
    def is_complete(self) -> bool:
        """True if all files of all hosts are there, apart from hosts that are lost."""
        return all(host.status in (COMPLETE, LOST) for host in list(self.hosts.values()))

    def begin(self, directory: Path, processes_each: int, load: Mapping[str, Any]) -> None:
        """Let all hosts start their processes, so many on each; the files go to the folder of the run."""
        self._is_under_way = True
        self._commands.put(lambda: self._begin(directory, processes_each, load))

    def stop(self, reason: str) -> None:
        """Let all hosts end their load now, and send what they have."""
        if self._is_ending:
            return
        self._is_ending = True
        self._commands.put(lambda: self._send_all("stop", reason=reason))

    def close(self) -> None:
        """End the thread and its connections; files that are not there as a whole are removed, streams stay."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _serve(self) -> None:
        try:
            while not self._closing.is_set():
                self._turn()
            self._obey()
        except OSError as error:
            self._end(f"{NOT_WRITTEN}: {error.strerror or error}; {MORE_SPACE}")
        finally:
            if not self._closing.is_set():
                self._end("the service for the hosts has ended")
            for host in self.hosts.values():
                if host.files:
                    host.files.close(is_whole=False)
            self._socket.close()

    def _turn(self) -> None:
        """Handle what has come, what the command wants, and what is due."""
        if self._socket.poll(POLL_MS):
            self._take(self._socket.recv_multipart(copy=False), time.monotonic_ns())
        self._obey()
        if time.monotonic() >= self._beat_due_s:
            self._beat_due_s = time.monotonic() + BEAT_S
            self._send_all("beat")
            self._notice_silence()

    def _obey(self) -> None:
        """Do what the command wants."""
        while not self._commands.empty():
            self._commands.get()()

    def _take(self, received: list[zmq.Frame], at_ns: int) -> None:
        identity, *rest = (frame.bytes for frame in received)
        try:
            message = host_messages.parse(rest)
        except ValueError:
            return
        if message.kind == "join":
            self._join(identity, message, _address(received[0]))
        elif identity not in self.hosts or self.hosts[identity].status == LOST:
            self._send(
                identity, "refused", reason="it does not wait for this worker any more; start it for the next run"
            )
        else:
            host = self.hosts[identity]
            host.heard_s = time.monotonic()
            if handle := self._handlers.get(message.kind):
                handle(self, host, message, at_ns)

    def _join(self, identity: bytes, message: Message, address: str) -> None:
        if identity in self.hosts:  # it has not heard the welcome yet
            self._send_welcome(identity)
            return
        fields = message.fields
        name, pid, difference_s = _short(fields.get("name")), fields.get("pid"), wall_difference_s(fields)
        host = JoinedHost(identity, name, address, pid if isinstance(pid, int) else 0, difference_s)
        if reason := self._admission.refusal(fields, len(self.hosts), is_under_way=self._is_under_way):
            self.news.put(f"{host.text} was refused: {reason}")
            self._send(identity, "refused", reason=reason)
            return
        self.hosts[identity] = host
        self._send_welcome(identity)

    def _send_welcome(self, identity: bytes) -> None:
        self._send(identity, "welcome", **self._offered, place=host_place.here())

    def _answer_probe(self, host: JoinedHost, message: Message, at_ns: int) -> None:
        number = message.fields.get("number")
        self._send(host.identity, "probe", number=number, received=at_ns, answered=time.monotonic_ns())

    def _note_clock(self, host: JoinedHost, message: Message, at_ns: int) -> None:
        clock = clock_relation.of_fields(message.fields)
        if clock and message.fields.get("when") == "end":
            host.end_clock = clock
        elif clock:
            host.begin_clock = clock
        if clock and host.status == JOINED:
            host.status = READY
            self.news.put(f"{host.text} is ready: {clock_text(clock)}")

    def _add_part(self, host: JoinedHost, message: Message, at_ns: int) -> None:
        name = message.fields.get("name")
        length = host.files and host.files.add(name, message.fields.get("offset"), message.content)
        if length is not None:
            self._send(host.identity, "length", name=name, length=length)

    def _complete(self, host: JoinedHost, message: Message, at_ns: int) -> None:
        expected = message.fields.get("files")
        if host.files and (damaged := host.files.incomplete(expected if isinstance(expected, dict) else {})):
            self._lose(host, f"{host.text} sent files that did not arrive as they were: {', '.join(damaged[:3])}")
            return
        if host.files:
            host.files.close(is_whole=True)
        host.status = COMPLETE
        self._send(host.identity, "bye")

    def _leave(self, host: JoinedHost, message: Message, at_ns: int) -> None:
        self._lose(host, f"{host.text} has left: {_short(message.fields.get('reason'))}")

    def _fail(self, host: JoinedHost, message: Message, at_ns: int) -> None:
        host.lost = host.lost or _short(message.fields.get("reason"))
        self.refusal = self.refusal or (host.lost if message.fields.get("is_refusal") is True else "")
        self._end(f"{host.text}: {host.lost}")

    _handlers: Mapping[str, Callable[["HostHub", JoinedHost, Message, int], None]] = {
        "probe": _answer_probe,
        "clock": _note_clock,
        "part": _add_part,
        "complete": _complete,
        "left": _leave,
        "failed": _fail,
    }

    def _notice_silence(self) -> None:
        for host in list(self.hosts.values()):
            if host.is_silent and host.status not in (COMPLETE, LOST):
                self._lose(host, f"{host.text} was silent for {host_messages.SILENCE_S:.0f} s")

    def _lose(self, host: JoinedHost, reason: str) -> None:
        """Note that a host is gone: before the load its place is free, and a load is over without it."""
        if not self._is_under_way:
            del self.hosts[host.identity]
            self.news.put(reason)
        elif host.status != COMPLETE:
            host.status, host.lost = LOST, host.lost or reason
            if not self._is_ending:
                self._end(reason)

    def _end(self, problem: str) -> None:
        self.problem = self.problem or problem

    def _begin(self, directory: Path, processes_each: int, load: Mapping[str, Any]) -> None:
        if len(self.hosts) < self._wanted:
            self._end("a host left just before the load began; start the run and its workers once more")
        for number, host in enumerate(self.hosts.values()):
            host.number = number
            host.processes = range(number * processes_each, (number + 1) * processes_each)
            host.files = ReceivedFiles(directory, file_names(number, host.processes))
            host.status = RUNNING
            first, last = host.processes.start, host.processes.stop
            self._send(host.identity, "begin", number=number, first=first, end=last, **load)

    def _send_all(self, kind: str, **fields: Any) -> None:
        for host in self.hosts.values():
            if host.status not in (COMPLETE, LOST):
                self._send(host.identity, kind, **fields)

    def _send(self, identity: bytes, kind: str, **fields: Any) -> None:
        self._socket.send_multipart([identity, *host_messages.frames(kind, **fields)])


def clock_text(clock: ClockRelation) -> str:
    """The relation of a clock in a message."""
    return f"its monotonic clock is {clock.offset_ns / 1e9:+,.6f} s ± {clock.uncertainty_ns / 1e6:.3f} ms from this one"


def _address(frame: zmq.Frame) -> str:
    """The address of the peer, as the kernel has it."""
    try:
        return str(frame.get("Peer-Address"))
    except zmq.ZMQError:
        return "unknown address"


def _short(value: object) -> str:
    """What a worker says, in one line."""
    return cleaned(str(value), Target.LINE)[:MAX_TEXT]

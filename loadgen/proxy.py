"""A TCP proxy that puts a round-trip time in front of PostgreSQL, so that a deployment can be far from its database.

`python -m loadgen.proxy --listen HOST:PORT --upstream HOST:PORT --round-trip-ms F` runs it, `through` runs it for a
block. The words are toxiproxy's: its `latency` is here, half of the round trip in each direction. Another fault would
change what becomes of a chunk between `End._receive` and its peer's `_send`.
"""

import ctypes
import errno
import heapq
import itertools
import os
import resource
import select
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from workbench.errors import UserError, reporting_errors

from .subprocesses import Child, start

START_TIMEOUT_S = 10.0
LONGEST_MS = 60_000
CHUNK_BYTES = 64 * 2**10
HELD_BYTES = 2 * 2**20  # of a direction, under way or not taken by a slow reader; beyond it the source has to wait
PR_SET_TIMERSLACK = 29
TIMER_SLACK_NS = 1000
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
END, LOST = b"", None  # in the place of a chunk: the source says no more; the source is gone


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its process and where it listens."""

    child: Child
    address: tuple[str, int]
    counts_file: Path

    def counts(self) -> tuple[int, int]:
        """Connections accepted and turns taken up to now, over all connections.

        A turn is a client that speaks for the first time or after it was answered: what it then waits for costs it one
        round trip, and so does each connection. It is counted before it reaches the upstream.
        """
        connections, turns = self.counts_file.read_text().split()
        return int(connections), int(turns)


@contextmanager
def through(upstream: tuple[str, int], round_trip_ms: float, log: Path) -> Iterator[Proxy]:
    """A proxy in front of `upstream` on a free port of 127.0.0.1, in a process of its own for the block.

    Raises `UserError` if it does not come up. Its counts are in a file beside `log`.
    """
    counts_file = log.with_suffix(".counts")
    command = [sys.executable, "-m", "loadgen.proxy", "--listen", "127.0.0.1:0"]
    command += ["--upstream", f"{upstream[0]}:{upstream[1]}", "--round-trip-ms", str(round_trip_ms)]
    with start("proxy", [*command, "--counts", str(counts_file)], log) as child:
        yield Proxy(child, _wait_until_listening(child), counts_file)


def _wait_until_listening(child):
    deadline = time.monotonic() + START_TIMEOUT_S
    while not child.ended() and time.monotonic() < deadline:
        _, found, place = child.last_line().partition(_listens(child.pid))
        if found:
            host, _, port = place.rpartition(":")
            return host, int(port)
        time.sleep(0.01)
    reason = child.last_line().removeprefix("Error: ") or "it said nothing"
    raise UserError(f"the proxy did not start: {reason}\nIts log is {child.log}")


def _listens(pid):
    return f"process {pid} listens on "


class Loop:
    """Everything in one thread: sockets that are ready, calls that are due."""

    def __init__(self, listener: socket.socket, upstream: tuple, round_trip_s: float, counts: BinaryIO | None):
        """`upstream` is the family and the address of its socket."""
        self.selector = selectors.DefaultSelector()
        self.delay_s = round_trip_s / 2
        self._listener = listener
        self._family, self._upstream = upstream
        self._agenda: list[tuple] = []  # a heap of due time, number, call, argument; the number keeps their order
        self._numbers = itertools.count()
        self._counts = counts
        self._connections = self._turns = 0
        self._write_counts()
        self.selector.register(listener, READ, self._accept)

    def run(self) -> None:
        while True:
            # epoll rounds its timeout up to a whole millisecond; select takes microseconds, and can watch the epoll.
            select.select([self.selector.fileno()], [], [], self._until_due_s())
            for key, events in self.selector.select(0):
                key.data(events)
                self._call_due()
            self._call_due()

    def later(self, delay_s: float, call: Callable, argument) -> None:
        heapq.heappush(self._agenda, (time.monotonic() + delay_s, next(self._numbers), call, argument))

    def _until_due_s(self):
        return max(0.0, self._agenda[0][0] - time.monotonic()) if self._agenda else None

    def _call_due(self):
        while self._agenda and self._agenda[0][0] <= time.monotonic():
            _, _, call, argument = heapq.heappop(self._agenda)
            call(argument)

    def _accept(self, _):
        """Take a client, and connect it a round trip later: its handshake, with us, took no time."""
        try:
            client, _ = self._listener.accept()
            upstream = socket.socket(self._family, socket.SOCK_STREAM)
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            raise UserError(f"the proxy can take no more connections: {error.strerror}") from None
        for end in (client, upstream):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections += 1
        self._write_counts()
        self.later(2 * self.delay_s, self._connect, (client, upstream))

    def _connect(self, sockets):
        client, upstream = sockets
        if upstream.connect_ex(self._upstream) in (0, errno.EINPROGRESS):  # a refusal may still come, to its reader
            End(self, client, self._count_turn).join(End(self, upstream, lambda: None))
        else:
            client.close()
            upstream.close()

    def _count_turn(self):
        self._turns += 1
        self._write_counts()

    def _write_counts(self):
        if self._counts:
            os.pwrite(self._counts.fileno(), b"%d %d\n" % (self._connections, self._turns), 0)


class End:
    """One of the two sockets of a connection, and what is on its way to it from the other, its peer.

    Chunks keep their order: each is due no earlier than the one before it.
    """

    _peer: "End"

    def __init__(self, loop: Loop, sock: socket.socket, on_turn: Callable[[], None]):
        self._loop = loop
        self._socket = sock
        self._on_turn = on_turn
        self._answered = True  # it was sent something since it spoke, or has not spoken yet
        self._due: deque = deque()  # what it has not taken yet
        self._held = 0  # bytes on their way to it, due or not
        self._watched = 0
        self._ended = self._shut = self._lost = self._closed = False

    def join(self, peer: "End") -> None:
        self._peer, peer._peer = peer, self
        self._watch()
        peer._watch()

    def _watch(self):
        """Be told when it can be read, unless too much is on its way already, and when it takes what is due."""
        readable = not self._closed and not self._ended and self._peer._held <= HELD_BYTES
        writable = not self._closed and len(self._due) > 0
        before, self._watched = self._watched, READ * readable | WRITE * writable
        if self._watched and before and self._watched != before:
            self._loop.selector.modify(self._socket, self._watched, self._ready)
        elif self._watched and not before:
            self._loop.selector.register(self._socket, self._watched, self._ready)
        elif before and not self._watched:
            self._loop.selector.unregister(self._socket)

    def _ready(self, events):
        if events & READ and not self._closed:
            self._receive()
        if events & WRITE and not self._closed:
            self._flush()

    def _receive(self):
        """Take a chunk, which reaches the peer when the delay is over; whether there was one."""
        if self._ended:
            return False
        try:
            chunk = self._socket.recv(CHUNK_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            chunk = LOST
        if chunk and self._answered:
            self._answered = False
            self._on_turn()
        self._ended = not chunk
        self._pass_on(chunk)
        return not self._ended

    def _pass_on(self, chunk):
        self._peer._held += len(chunk or END)
        self._watch()
        self._loop.later(self._loop.delay_s, self._peer._deliver, chunk)

    def _deliver(self, chunk):
        self._due.append(chunk)
        self._flush()

    def _flush(self):
        """Send what is due, as far as the socket takes it."""
        while self._due and not self._closed:
            chunk = self._due.popleft()
            if chunk is LOST:
                self._close_both()
            elif not chunk:
                self._shut_down()
            else:
                sent = self._send(chunk)
                self._held -= sent
                if sent < len(chunk):
                    self._due.appendleft(memoryview(chunk)[sent:])
                if not sent:
                    break
                self._answered = True
        self._watch()
        self._peer._watch()

    def _send(self, chunk):
        """The number of bytes taken: all of them where nobody is left to take them."""
        try:
            return len(chunk) if self._lost else self._socket.send(chunk)
        except BlockingIOError:
            return 0
        except OSError:
            self._lost = True
            while self._receive():  # its last words, such as why PostgreSQL ended the session
                pass
            self._pass_on(LOST)
            return len(chunk)

    def _shut_down(self):
        """Pass the peer's end of data on; the other direction may go on."""
        self._shut = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        if self._peer._shut:
            self._close_both()

    def _close_both(self):
        for end in (self, self._peer):
            end._closed = True
            end._watch()
            end._socket.close()


def _address(_, option, text):
    """The family and the address of a socket for HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UserError(f"{option.opts[0]} is HOST:PORT, not {text!r}")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UserError(f"{option.opts[0]}: there is no host {host!r}") from None
    family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)  # PostgreSQL's localhost is IPv4
    return family, address


def _round_trip(_, option, value):
    if not 0 <= value <= LONGEST_MS:
        raise UserError(f"{option.opts[0]} is a time from 0 to {LONGEST_MS} ms, not {value}")
    return value


@click.command()
@click.option("--listen", required=True, callback=_address, help="HOST:PORT for clients; port 0 takes a free one.")
@click.option("--upstream", required=True, callback=_address, help="HOST:PORT of the server behind.")
@click.option(
    "--round-trip-ms", type=float, required=True, callback=_round_trip, help="What a round trip takes longer."
)
@click.option("--counts", type=click.File("wb", lazy=False), help="Keeps the number of connections and turns.")
def main(listen, upstream, round_trip_ms, counts):
    """Put a round-trip time between clients and a server."""
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    if sys.platform.startswith("linux"):  # sleep to the microsecond
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0)
    try:
        listener = socket.create_server(listen[1], family=listen[0], backlog=socket.SOMAXCONN)
    except OSError as error:
        place = "{}:{}".format(*listen[1])
        raise UserError(
            f"{place} cannot be listened on ({os.strerror(error.errno)}); choose another --listen"
        ) from None
    listener.setblocking(False)
    loop = Loop(listener, upstream, round_trip_ms / 1000, counts)
    click.echo(_listens(os.getpid()) + "{}:{}".format(*listener.getsockname()))
    loop.run()


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m loadgen.proxy", standalone_mode=False)

"""An event loop that passes bytes between clients and one server, each chunk later by half of a round-trip time.

It adds what toxiproxy calls `latency`. Another fault would change what becomes of a chunk between a
`ConnectionSide._receive` and the `_send` of its peer.
"""

import errno
import heapq
import itertools
import os
import select
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple

from workbench.errors import UserError

CHUNK_BYTES = 64 * 2**10
# Of one direction, in transit or not yet taken by a slow reader; with more than that the source is not read.
MAX_IN_TRANSIT_BYTES = 2 * 2**20
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
END, LOST = b"", None  # in the place of a chunk: the source sends no more; the source is gone


class SocketAddress(NamedTuple):
    """An address as sockets take it, and its family."""

    family: socket.AddressFamily
    address: tuple | str


class Call(NamedTuple):
    """A function to call with one argument at a time (monotonic seconds); the number keeps the order of equal times."""

    due_s: float
    number: int
    function: Callable[[Any], object]
    argument: Any


class Relay:
    """The event loop: one thread that serves the sockets that are ready and the calls that are due."""

    def __init__(
        self, listener: socket.socket, upstream: SocketAddress, round_trip_s: float, counts_file: BinaryIO | None
    ):
        """`counts_file` is kept at the number of connections and of round trips, see `proxy.Proxy.counts`."""
        self.selector = selectors.DefaultSelector()
        self.delay_s = round_trip_s / 2
        self._listener = listener
        self._upstream = upstream
        self._calls: list[Call] = []  # a heap
        self._numbers = itertools.count()
        self._counts_file = counts_file
        self._connections = self._round_trips = 0
        self._write_counts()
        self.selector.register(listener, READ, self._accept)

    def run(self) -> None:
        """Serve until the process ends."""
        while True:
            # epoll rounds its timeout up to a whole millisecond; select takes microseconds, and can watch the epoll.
            select.select([self.selector.fileno()], [], [], self._until_due_s())
            for key, events in self.selector.select(0):
                key.data(events)
                self._call_due()
            self._call_due()

    def call_later(self, delay_s: float, function: Callable[[Any], object], argument: Any) -> None:
        """Call the function when the delay is over."""
        heapq.heappush(self._calls, Call(time.monotonic() + delay_s, next(self._numbers), function, argument))

    def _until_due_s(self) -> float | None:
        return max(0.0, self._calls[0].due_s - time.monotonic()) if self._calls else None

    def _call_due(self) -> None:
        while self._calls and self._calls[0].due_s <= time.monotonic():
            _, _, function, argument = heapq.heappop(self._calls)
            function(argument)

    def _accept(self, events: int) -> None:
        """Accept a client, and connect it to the upstream a round trip later: its handshake, with us, took no time."""
        try:
            client, _ = self._listener.accept()
            upstream = socket.socket(self._upstream.family, socket.SOCK_STREAM)
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            raise UserError(f"the proxy can accept no more connections: {error.strerror}") from None
        for side in (client, upstream):
            side.setblocking(False)
            if side.family != socket.AF_UNIX:
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections += 1
        self._write_counts()
        self.call_later(2 * self.delay_s, self._connect, (client, upstream))

    def _connect(self, sockets: tuple[socket.socket, socket.socket]) -> None:
        client, upstream = sockets
        # A refusal may still come; the upstream's reader meets it.
        if upstream.connect_ex(self._upstream.address) in (0, errno.EINPROGRESS):
            ConnectionSide(self, client, self._count_round_trip).join(ConnectionSide(self, upstream, lambda: None))
        else:
            client.close()
            upstream.close()

    def _count_round_trip(self) -> None:
        self._round_trips += 1
        self._write_counts()

    def _write_counts(self) -> None:
        if self._counts_file:
            os.pwrite(self._counts_file.fileno(), b"%d %d\n" % (self._connections, self._round_trips), 0)


class ConnectionSide:
    """One of the two sockets of a connection, with the chunks in transit to it from the other, its peer.

    Chunks keep their order: each is due no earlier than the one before it.
    """

    _peer: "ConnectionSide"

    def __init__(self, relay: Relay, sock: socket.socket, on_round_trip: Callable[[], None]):
        """`on_round_trip` is called when it sends for the first time, or after it was answered."""
        self._relay = relay
        self._socket = sock
        self._on_round_trip = on_round_trip
        self._answered = True  # it has received something since it sent, or has not sent yet
        self._due: deque[Any] = deque()  # chunks that it has not taken yet
        self._in_transit_bytes = 0  # due or not
        self._watched = 0
        self._ended = self._shut = self._lost = self._closed = False

    def join(self, peer: "ConnectionSide") -> None:
        """Start passing bytes between the two."""
        self._peer, peer._peer = peer, self
        self._watch()
        peer._watch()

    def _watch(self) -> None:
        """Watch for data to read, unless too much is in transit already, and for room to write what is due."""
        readable = not self._closed and not self._ended and self._peer._in_transit_bytes <= MAX_IN_TRANSIT_BYTES
        writable = not self._closed and len(self._due) > 0
        before, self._watched = self._watched, READ * readable | WRITE * writable
        if self._watched and before and self._watched != before:
            self._relay.selector.modify(self._socket, self._watched, self._serve)
        elif self._watched and not before:
            self._relay.selector.register(self._socket, self._watched, self._serve)
        elif before and not self._watched:
            self._relay.selector.unregister(self._socket)

    def _serve(self, events: int) -> None:
        if events & READ and not self._closed:
            self._receive()
        if events & WRITE and not self._closed:
            self._flush()

    def _receive(self) -> bool:
        """Read a chunk, which the peer gets after the delay; returns whether there was one."""
        if self._ended:
            return False
        chunk: bytes | None
        try:
            chunk = self._socket.recv(CHUNK_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            chunk = LOST
        if chunk and self._answered:
            self._answered = False
            self._on_round_trip()
        self._ended = not chunk
        self._pass_on(chunk)
        return not self._ended

    def _pass_on(self, chunk: bytes | None) -> None:
        self._peer._in_transit_bytes += len(chunk or END)
        self._watch()
        self._relay.call_later(self._relay.delay_s, self._peer._deliver, chunk)

    def _deliver(self, chunk: bytes | None) -> None:
        self._due.append(chunk)
        self._flush()

    def _flush(self) -> None:
        """Send what is due, as far as the socket takes it."""
        while self._due and not self._closed:
            chunk = self._due.popleft()
            if chunk is LOST:
                self._close_both()
            elif not chunk:
                self._shut_down()
            else:
                sent = self._send(chunk)
                self._in_transit_bytes -= sent
                if sent < len(chunk):
                    self._due.appendleft(memoryview(chunk)[sent:])
                if not sent:
                    break
                self._answered = True
        self._watch()
        self._peer._watch()

    def _send(self, chunk: bytes) -> int:
        """Send a chunk; returns the number of bytes taken, which is all of them if the receiver is gone."""
        try:
            return len(chunk) if self._lost else self._socket.send(chunk)
        except BlockingIOError:
            return 0
        except OSError:
            self._lost = True
            while self._receive():  # the last bytes of the receiver, such as why PostgreSQL ended the session
                pass
            self._pass_on(LOST)
            return len(chunk)

    def _shut_down(self) -> None:
        """Pass on that the peer sends no more; the other direction stays open."""
        self._shut = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        if self._peer._shut:
            self._close_both()

    def _close_both(self) -> None:
        for side in (self, self._peer):
            side._closed = True
            side._watch()
            side._socket.close()

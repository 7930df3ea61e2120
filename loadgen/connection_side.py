"""One side of a connection through the proxy: what its socket receives and sends, with back-pressure and half-close."""

import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .socket_loop import READ, WRITE, SocketLoop

CHUNK_BYTES = 64 * 2**10
# Of one direction, in transit or not yet taken by a slow reader; with more than that the source is not read.
MAX_IN_TRANSIT_BYTES = 2 * 2**20
END, LOST = b"", None  # in the place of a chunk: the source sends no more; the source is gone
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 s

Chunk = bytes | memoryview | None


class ConnectionSide:
    """One of the two sockets of a connection, with the chunks in transit to it from the other, its peer.

    Chunks keep their order: each is due no earlier than the one before it.
    """

    _peer: "ConnectionSide"
    _on_chunk: Callable[[Chunk], None]

    def __init__(
        self, loop: SocketLoop, sock: socket.socket, on_round_trip: Callable[[], None], on_end: Callable[[], None]
    ):
        """`on_round_trip` is called when it sends for the first time, or after it was answered.

        `on_end` is called when both sides have to be closed.
        """
        self._loop = loop
        self._socket = sock
        self._on_round_trip = on_round_trip
        self._on_end = on_end
        self._answered = True  # it has received something since it sent, or has not sent yet
        self._due: deque[Any] = deque()  # chunks that it has not taken yet
        self._in_transit_bytes = 0  # due or not
        self._watched = 0
        self._ended = self._shut = self._lost = self._closed = False

    def join(self, peer: "ConnectionSide", on_chunk: Callable[[Chunk], None]) -> None:
        """Take the other side as the peer. `on_chunk` gets each chunk for it, and passes it to its `deliver`."""
        self._peer, self._on_chunk = peer, on_chunk

    def connect(self, address: tuple | str) -> int:
        """Begin to connect the socket; returns the error number of `connect`."""
        return self._socket.connect_ex(address)

    def watch(self) -> None:
        """Watch for data to read, unless too much is in transit already, and for room to write what is due."""
        readable = not self._closed and not self._ended and self._peer._in_transit_bytes <= MAX_IN_TRANSIT_BYTES
        writable = not self._closed and len(self._due) > 0
        before, self._watched = self._watched, READ * readable | WRITE * writable
        if self._watched and before and self._watched != before:
            self._loop.selector.modify(self._socket, self._watched, self._serve)
        elif self._watched and not before:
            self._loop.selector.register(self._socket, self._watched, self._serve)
        elif before and not self._watched:
            self._loop.selector.unregister(self._socket)

    def deliver(self, chunk: Chunk) -> None:
        """Send a chunk of the peer, or pass on that there are no more, after the chunks that came before it."""
        self._due.append(chunk)
        self._flush()

    def close(self, resets: bool) -> None:
        """Close the socket, with a reset of the connection or in the ordinary way. What is in transit is lost."""
        self._closed = True
        self.watch()
        self._due.clear()
        if resets:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._socket.close()

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
        self.watch()
        self._on_chunk(chunk)

    def _flush(self) -> None:
        """Send what is due, as far as the socket takes it."""
        while self._due and not self._closed:
            chunk = self._due.popleft()
            if chunk is LOST:
                self._on_end()
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
        self.watch()
        self._peer.watch()

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
            self._on_end()

"""A client's connection through the proxy to the server behind it, and the toxics in force for it."""

import errno
import socket
import weakref
from collections.abc import Callable, Collection

from .connection_side import Chunk, ConnectionSide
from .socket_loop import SocketLoop
from .toxic_queue import ToxicQueue
from .toxics import DOWNSTREAM, RESET_PEER, UPSTREAM, Toxic


class ProxiedConnection:
    """The two sockets of a connection, and what is under way in each direction.

    A chunk first waits until the toxics let it pass, then for the constant delay of the proxy.
    """

    def __init__(
        self,
        loop: SocketLoop,
        sockets: tuple[socket.socket, socket.socket],
        delay_s: float,
        on_round_trip: Callable[[], None],
        on_close: Callable[["ProxiedConnection"], None],
        seed: str,
    ):
        """`sockets` are the client's and one that is not connected yet; `seed` is that of the jitter."""
        self._loop = loop
        self._delay_s = delay_s
        self._on_close = on_close
        self._toxics: tuple[Toxic, ...] = ()
        self._is_closed = False
        client, upstream = sockets
        self._client = ConnectionSide(loop, client, on_round_trip, self.close)
        self._upstream = ConnectionSide(loop, upstream, lambda: None, self.close)
        self._queues = {
            UPSTREAM: ToxicQueue(loop, self._delayed(self._upstream), f"{seed} {UPSTREAM}"),
            DOWNSTREAM: ToxicQueue(loop, self._delayed(self._client), f"{seed} {DOWNSTREAM}"),
        }
        self._client.join(self._upstream, self._queues[UPSTREAM].put)
        self._upstream.join(self._client, self._queues[DOWNSTREAM].put)

    def connect(self, address: tuple | str) -> None:
        """Connect to the server, and begin to pass bytes; nothing happens if the connection has been closed."""
        if self._is_closed:
            return
        # A refusal may still come; the upstream's reader meets it.
        if self._upstream.connect(address) in (0, errno.EINPROGRESS):
            self._client.watch()
            self._upstream.watch()
        else:
            self.close()

    def apply(self, toxics: tuple[Toxic, ...]) -> None:
        """Put these toxics into force, in the place of those before."""
        before, self._toxics = self._toxics, toxics
        for toxic in toxics:
            if toxic not in before and toxic.lifetime_s is not None:
                # A closed connection has nothing to end, and need not stay in memory for it.
                self._loop.call_later(toxic.lifetime_s, _end, (weakref.ref(self), toxic))
        for direction, waiting in self._queues.items():
            waiting.apply(tuple(toxic for toxic in toxics if direction in toxic.directions))

    def end_by(self, toxic: Toxic) -> None:
        """Close the connection if this toxic is still in force; `reset_peer` sends a reset in its directions."""
        if toxic in self._toxics:
            self.close(toxic.directions if toxic.kind == RESET_PEER else ())

    def close(self, reset_directions: Collection[str] = ()) -> None:
        """Close both sockets, with a reset those in which these directions end. What is under way is lost."""
        if self._is_closed:
            return
        self._is_closed = True
        for waiting in self._queues.values():
            waiting.clear()
        self._upstream.close(UPSTREAM in reset_directions)
        self._client.close(DOWNSTREAM in reset_directions)
        self._on_close(self)

    def _delayed(self, side: ConnectionSide) -> Callable[[Chunk], None]:
        """A function that delivers a chunk to this side after the constant delay."""
        return lambda chunk: self._loop.call_later(self._delay_s, side.deliver, chunk)


def _end(of: tuple[weakref.ref[ProxiedConnection], Toxic]) -> None:
    reference, toxic = of
    if connection := reference():
        connection.end_by(toxic)

"""A relay that passes bytes between clients and one server, each chunk later by half of a round-trip time.

Toxics are put into force and removed while it runs. They act on the bytes of connections, in `toxic_queue`, on whole
connections, in `proxied_connection`, or on all of them and on new ones, here.
"""

import os
import socket
import time
from typing import BinaryIO

from workbench.errors import UserError

from .proxied_connection import ProxiedConnection
from .proxy_listener import ProxyListener, SocketAddress
from .socket_loop import SocketLoop
from .toxics import DOWN, Toxic


class Relay:
    """The connections of the proxy, and the toxics in force for all of them."""

    def __init__(
        self,
        loop: SocketLoop,
        addresses: tuple[SocketAddress, SocketAddress],
        round_trip_s: float,
        counts_file: BinaryIO | None,
        seed: int,
    ):
        """`addresses` are that for clients and that of the server. Raises `UserError` if it cannot listen.

        `counts_file` is kept at the number of connections and of round trips, see `proxy.Proxy.counts`. `seed` is that
        of the jitter.
        """
        self._loop = loop
        self._delay_s = round_trip_s / 2
        self._seed = seed
        self._open_connections: set[ProxiedConnection] = set()
        self._toxics: dict[str, Toxic] = {}
        self._counts_file = counts_file
        self._connections = self._round_trips = 0
        self._write_counts()
        listen, self._upstream = addresses
        self._listener = ProxyListener(loop, listen, self._accept)

    @property
    def address(self) -> tuple | str:
        """Where it accepts clients."""
        return self._listener.address

    def add(self, toxic: Toxic) -> float:
        """Put a toxic into force; returns the instant (monotonic seconds). Raises `UserError` if its name is in use."""
        if toxic.name in self._toxics:
            raise UserError(f"there is a toxic {toxic.name} already; remove it first, or choose another name")
        return self._put_into_force(self._toxics | {toxic.name: toxic})

    def remove(self, name: object) -> float:
        """Remove a toxic; returns the instant (monotonic seconds). Raises `UserError` if there is none of this name."""
        if not isinstance(name, str) or name not in self._toxics:
            raise UserError(f"there is no toxic {name!r:.80}; there are {', '.join(self._toxics) or 'none'}")
        return self._put_into_force({other: toxic for other, toxic in self._toxics.items() if other != name})

    def clear(self) -> float:
        """Remove all toxics; returns the instant (monotonic seconds)."""
        return self._put_into_force({})

    def _put_into_force(self, toxics: dict[str, Toxic]) -> float:
        """Put these toxics into force, in the place of those before. If the port is lost, nothing changes."""
        if any(toxic.kind == DOWN for toxic in toxics.values()):
            self._listener.close()
            for connection in tuple(self._open_connections):
                connection.close()
        else:
            self._listener.open()
        self._toxics = toxics
        for connection in self._open_connections:
            connection.apply(tuple(toxics.values()))
        return time.monotonic()

    def _accept(self, events: int) -> None:
        """Accept a client, and connect it to the upstream a round trip later: its handshake, with us, took no time."""
        try:
            client = self._listener.accept()
            if not client:
                return
            upstream = socket.socket(self._upstream.family, socket.SOCK_STREAM)
        except OSError as error:
            raise UserError(f"the proxy can accept no more connections: {error.strerror}") from None
        for side in (client, upstream):
            side.setblocking(False)
            if side.family != socket.AF_UNIX:
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections += 1
        self._write_counts()
        connection = ProxiedConnection(
            self._loop,
            (client, upstream),
            self._delay_s,
            self._count_round_trip,
            self._open_connections.discard,
            f"{self._seed} {self._connections}",
        )
        self._open_connections.add(connection)
        connection.apply(tuple(self._toxics.values()))
        self._loop.call_later(2 * self._delay_s, connection.connect, self._upstream.address)

    def _count_round_trip(self) -> None:
        self._round_trips += 1
        self._write_counts()

    def _write_counts(self) -> None:
        if self._counts_file:
            os.pwrite(self._counts_file.fileno(), b"%d %d\n" % (self._connections, self._round_trips), 0)

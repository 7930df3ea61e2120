"""The socket at which the proxy accepts clients. It can be closed, so that clients are refused, and opened anew."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from workbench.errors import UserError

from .socket_loop import READ, SocketLoop


class SocketAddress(NamedTuple):
    """An address as sockets take it, and its family."""

    family: socket.AddressFamily
    address: tuple | str


class ProxyListener:
    """A TCP address at which clients are accepted while it is open."""

    def __init__(self, loop: SocketLoop, address: SocketAddress, on_ready: Callable[[int], None]):
        """Open it. `on_ready` is called when a client can be accepted. Raises `UserError` if it cannot be opened."""
        self._loop = loop
        self._family = address.family
        self._on_ready = on_ready
        self.address = address.address  # its port is the one taken, once it is open
        self._socket: socket.socket | None = None
        self._is_open = False
        self.open()

    def open(self) -> None:
        """Accept clients; nothing happens if it is open. Raises `UserError` if the address cannot be listened on."""
        if self._is_open:
            return
        try:
            self._socket = self._socket or self._bound()
            self._socket.listen(socket.SOMAXCONN)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            place = "{}:{}".format(*self.address)
            raise UserError(f"{place} cannot be listened on ({reason}); choose another --listen") from None
        self.address = self._socket.getsockname()
        self._loop.selector.register(self._socket, READ, self._on_ready)
        self._is_open = True

    def close(self) -> None:
        """Refuse new clients and reset those that wait to be accepted; nothing happens if it is closed."""
        if not self._is_open or not self._socket:
            return
        self._loop.selector.unregister(self._socket)
        self._socket.close()
        self._socket, self._is_open = None, False
        with suppress(OSError):  # a socket that is bound keeps the port from others; `open` reports why it cannot be
            self._socket = self._bound()

    def accept(self) -> socket.socket | None:
        """A client that waits; None without one. Raises `OSError` if no connection can be accepted."""
        if not self._is_open or not self._socket:
            return None
        try:
            client, _ = self._socket.accept()
        except (BlockingIOError, ConnectionError):
            return None
        return client

    def _bound(self) -> socket.socket:
        bound = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind(self.address)
        except OSError:
            bound.close()
            raise
        bound.setblocking(False)
        return bound

"""A listening socket for each worker, so that the kernel spreads connections evenly.

Workers that share one socket race for each connection, and one that is busy with Python loses: under a burst one of two
workers had up to 93 % of the connections, and keeps them, as clients keep theirs open. With `SO_REUSEPORT` Linux picks
a socket for each connection by a hash of its addresses. The first worker goes on with the server's own socket, or the
connections that the kernel gives to that would not be accepted.

What waits at the socket of a worker that ends is reset. A worker that serves one request at a time does better with
the shared socket: there whichever worker is free takes the next connection.
"""

import sys
from collections.abc import Sequence
from typing import Any

from .settings import Settings

SPREADING = ("gthread", "gevent")


def are_own(settings: Settings, bind: str) -> bool:
    """True if each worker gets a socket of its own. Only Linux spreads connections over them."""
    several = settings.workers > 1 and settings.server in SPREADING
    return several and sys.platform == "linux" and not bind.startswith("unix:")


def own_sockets(worker_number: int, inherited: Sequence[Any], configuration: Any, log: Any) -> list[Any]:
    """The sockets (of gunicorn) that a worker accepts from: new ones at the same addresses, but for the first worker.

    `configuration` is gunicorn's, with `reuse_port`.
    """
    if worker_number == 0:
        return list(inherited)
    return [type(socket)(socket.getsockname(), configuration, log) for socket in inherited]

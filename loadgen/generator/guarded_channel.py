"""Locust's connections between hosts, encrypted and only for those with the secret; Locust has no option for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from locust.rpc import zmqrpc

from .. import host_secret


def install() -> None:
    """Guard the socket of Locust's master, and those of its workers, from now on."""
    keys = host_secret.require()
    zmqrpc.BaseSocket.__init__ = _guarded(zmqrpc.BaseSocket.__init__, keys)  # type: ignore[method-assign]


def _guarded(create: Callable[..., None], keys: host_secret.Keys) -> Callable[..., None]:
    """The creation of a socket, which is guarded before it is bound or connected."""

    @wraps(create)
    def create_guarded(self: Any, *arguments: Any, **options: Any) -> None:
        create(self, *arguments, **options)
        guard = host_secret.guard_server if isinstance(self, zmqrpc.Server) else host_secret.guard_client
        guard(self.socket, keys)

    return create_guarded

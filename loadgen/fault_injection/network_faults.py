"""Faults between the application and its servers, by toxics of the proxies."""

from contextlib import suppress

from workbench.errors import UserError

from ..proxy import Proxy
from ..toxics import DOWN, TIMEOUT
from .injector import Injector

TOXIC = "fault"


class BlackHole(Injector):
    """Nothing passes between application and PostgreSQL, in either direction, and no connection is closed."""

    def begin(self) -> None:
        self._proxy().add(TOXIC, TIMEOUT, timeout_ms=0)

    def end(self) -> None:
        with suppress(UserError):  # the proxy has ended, or the fault never began
            self._proxy().remove(TOXIC)

    def _proxy(self) -> Proxy:
        assert self.target.server_proxy, "the run has no proxy before PostgreSQL"
        return self.target.server_proxy


class BlackHoleColdPool(BlackHole):
    """The same after all connections were closed."""

    def begin(self) -> None:
        proxy = self._proxy()
        proxy.add("closing", DOWN)
        super().begin()
        proxy.remove("closing")


class StoreAway(Injector):
    """Connections to Valkey are closed, and new ones refused."""

    def begin(self) -> None:
        self._proxy().add(TOXIC, DOWN)

    def end(self) -> None:
        with suppress(UserError):
            self._proxy().remove(TOXIC)

    def _proxy(self) -> Proxy:
        if not self.target.store_proxy:
            raise UserError("the deployment has no store")
        return self.target.store_proxy

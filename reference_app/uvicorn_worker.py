"""A worker of gunicorn that serves an ASGI application by uvicorn: gunicorn starts, counts and replaces the workers.

Source: `uvicorn.workers`, which is deprecated and warns when it is imported.
"""

import asyncio
import signal
import sys
from collections.abc import Collection
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from uvicorn import Config, Server


class TrustedScheme:
    """ASGI middleware that takes a report of TLS from a proxy that the configuration trusts, as gunicorn does."""

    def __init__(self, application: Any, trusted: Collection[str]):
        self._application = application
        self._trusted = trusted

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        address = (scope.get("client") or ("",))[0]
        if address in self._trusted or "*" in self._trusted:
            headers = dict(scope.get("headers", ()))
            if headers.get(b"x-forwarded-proto") == b"https":
                scope = {**scope, "scheme": "https"}
        await self._application(scope, receive, send)


class UvicornWorker(Worker):
    """One process with one event loop."""

    def init_signals(self) -> None:
        """End the process by a signal before uvicorn serves; it takes the signals, and repeats them when it is done."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: sys.exit(0))

    def run(self) -> None:
        config = Config(
            app=TrustedScheme(self.wsgi, self.cfg.forwarded_allow_ips),
            log_config=None,
            access_log=False,
            proxy_headers=False,  # the application itself knows how many proxies are in front of it
            server_header=False,
            timeout_keep_alive=self.cfg.keepalive,
            timeout_graceful_shutdown=self.cfg.graceful_timeout,
            timeout_notify=self.timeout,
            callback_notify=self._notify,
            backlog=self.cfg.settings["backlog"].value,
        )
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(self._serve(config))

    async def _serve(self, config: Config) -> None:
        server = Server(config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, self._quit, server)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    @staticmethod
    def _quit(server: Server) -> None:
        server.should_exit = server.force_exit = True

    async def _notify(self, *_: Any) -> None:
        self.notify()

"""`server_timing` for an ASGI application: the same header, and the same counts."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from . import server_timing
from .server_timing import Timing
from .trace_id import trace_id_of
from .worker_metrics import Slot

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

RUN_TOKEN, REQUEST_START, TRACEPARENT = b"x-run-token", b"x-request-start", b"traceparent"


class TimedAsgiApplication:
    """ASGI middleware that times requests, as `server_timing.TimedApplication` does for WSGI.

    `app` ends when the response begins to be sent. What a request waits for while the loop serves another one is
    booked on the part that is open: `loop` is not measured.
    """

    def __init__(self, application: AsgiApplication, worker: int, run_token: str | None, slot: Slot):
        server_timing.require_token(run_token)
        self._application = application
        self._worker = worker
        self._run_token = None if run_token is None else run_token.encode()
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] == "http" and server_timing.is_of_run(headers.get(RUN_TOKEN, b""), self._run_token):
            sent_ns = server_timing.sent_ns(headers.get(REQUEST_START, b"").decode("latin-1"))
            timing = Timing(time.monotonic_ns(), sent_ns, knows_loop=False)
            timing.trace_id = trace_id_of(headers.get(TRACEPARENT, b"").decode("latin-1"))
            await self._time(timing, scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _time(self, timing: Timing, scope: Scope, receive: Receive, send: Send) -> None:

        async def timed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                value = timing.header(self._worker).encode()
                timing.count_in(self._slot, is_error=message["status"] >= 400)
                message["headers"] = [*message["headers"], (b"server-timing", value)]
            await send(message)

        with server_timing.timed_by(timing):
            await self._application(scope, receive, timed_send)

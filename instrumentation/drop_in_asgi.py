"""ASGI middleware that instruments an application: Quart, or any other that is called with scope, receive and send."""

import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from . import server_timing
from .drop_in import REFUSED
from .instrumented_worker import TOKEN_VARIABLE, InstrumentedWorker, is_from_this_machine
from .server_timing import Timing

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

ROUTE = "instrumentation.route"
_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


class InstrumentedASGI:
    """Times and records the requests of an ASGI application; everything but HTTP it passes on."""

    def __init__(self, application: Application, worker: InstrumentedWorker, is_admin: Callable[[Scope], bool] | None):
        self.application = application
        self._worker = worker
        self._is_admin = is_admin
        self._run_token = os.environ.get(TOKEN_VARIABLE, "").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        started_ns = time.monotonic_ns()
        self._worker.begin_serving()
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"] == "/monitor" and scope["method"] == "GET":
            await self._open_monitor(scope, headers, send)
            return
        given = headers.get("x-request-id", "")
        request_id = given if _VALID_ID.fullmatch(given) else secrets.token_hex(8)
        timing = self._timing(started_ns, headers)
        outer = _request_id.set(request_id)
        self._worker.recorder.begin()
        try:
            with server_timing.timed_by(timing):
                await self.application(scope, receive, self._recording(scope, send, request_id, started_ns, timing))
        finally:
            self._worker.recorder.end()
            _request_id.reset(outer)

    def _timing(self, started_ns: int, headers: dict[str, str]) -> Timing | None:
        """The timing of a request that carries the run's token."""
        given = headers.get("x-run-token", "").encode("latin-1")
        if not (self._run_token and server_timing.is_of_run(given, self._run_token)):
            return None
        return Timing(started_ns, server_timing.sent_ns(headers.get("x-request-start", "")))

    def _recording(self, scope: Scope, send: Send, request_id: str, started_ns: int, timing: Timing | None) -> Send:
        """A `send` that records the response when it begins, and adds its headers."""

        async def record_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                duration_us = (time.monotonic_ns() - started_ns) // 1000
                status = message["status"]
                added = [(b"x-request-id", request_id.encode())]
                if timing:
                    added.append((b"server-timing", timing.header(self._worker.number).encode()))
                    timing.count_in(self._worker.slot, is_error=status >= 400)
                self._worker.recorder.record(
                    scope["method"], scope.get(ROUTE, ""), status, duration_us, request_id, timing
                )
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        return record_and_send

    async def _open_monitor(self, scope: Scope, headers: dict[str, str], send: Send) -> None:
        address = (scope.get("client") or ("",))[0]
        allowed = self._is_admin(scope) if self._is_admin else is_from_this_machine(address, headers)
        location, reason = self._worker.monitor_address("admin") if allowed else ("", REFUSED)
        status = 303 if location else 503 if allowed else 403
        body = b"" if location else reason.encode()
        more = [(b"location", location.encode())] if location else []
        await send({"type": "http.response.start", "status": status, "headers": [
            (b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode()), *more]})  # fmt: skip
        await send({"type": "http.response.body", "body": body})


def instrument_asgi_application(
    app: Any, engine: Any = None, *, port: int | None = None, is_admin: Callable[[Scope], bool] | None = None
) -> Any:
    """See `instrumentation.instrument_asgi`."""
    if isinstance(getattr(app, "asgi_app", app), InstrumentedASGI):
        raise ValueError("the application is instrumented already; call instrument_asgi once, with its engine")
    name = getattr(app, "import_name", type(app).__name__)
    worker = InstrumentedWorker(f"{name} in {getattr(app, 'root_path', os.getcwd())}", engine, port, _request_id.get)
    if not hasattr(app, "asgi_app"):
        return InstrumentedASGI(app, worker, is_admin)
    _note_routes(app)
    app.asgi_app = InstrumentedASGI(app.asgi_app, worker, is_admin)
    return app


def _note_routes(app: Any) -> None:
    """Let a Quart application note the rule that a request matched; it is not known outside of it."""
    from quart import request

    async def note_route() -> None:
        scope: Any = request.scope
        scope[ROUTE] = request.url_rule.rule if request.url_rule else ""

    app.before_request(note_route)

"""Headers that forbid a browser what it must not do with a response; every response has them, an error's too.

The pages have neither scripts nor styles nor images. `Referrer-Policy` is not `no-referrer`, with which browsers would
hide the `Origin` of a form from the check in `csrf`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import gunicorn.util
from flask import Flask

from instrumentation.asgi_timing import AsgiApplication, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from socket import socket

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),  # for browsers that do not know frame-ancestors
    ("Referrer-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
ASGI_HEADERS = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS)


class SecurityHeaders:
    """WSGI middleware that adds the headers to each response; cheaper than Flask's hook after a request."""

    def __init__(self, application: "WSGIApplication"):
        self.application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start_secured_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [*headers, *HEADERS], exc_info)

        return self.application(environ, start_secured_response)


class AsgiSecurityHeaders:
    """ASGI middleware that adds the headers to each response."""

    def __init__(self, application: AsgiApplication):
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *ASGI_HEADERS]
            await send(message)

        await self._application(scope, receive, send_secured)


def write_error(connection: "socket", status: int, reason: str, message: str) -> None:
    """Answer a request that gunicorn refuses before the application sees it; `message` may quote it, and is left out.

    Takes the place of gunicorn's own function.
    """
    body = f"{reason}\n"
    own = (("Connection", "close"), ("Content-Type", "text/plain"), ("Content-Length", str(len(body))))
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in (*own, *HEADERS))]
    gunicorn.util.write_nonblock(connection, ("\r\n".join(lines) + f"\r\n\r\n{body}").encode("latin-1"))


def init_app(app: Flask) -> None:
    """Add the headers to all responses of the application; to be called last, as what comes later is not covered."""
    # Flask documents this assignment for middleware, but declares wsgi_app as a method.
    app.wsgi_app = SecurityHeaders(app.wsgi_app)  # type: ignore[method-assign]


def init_server() -> None:
    """Add the headers to gunicorn's own responses."""
    gunicorn.util.write_error = write_error

"""WSGI middleware that records each request of a Flask application for the monitor.

Flask's own hooks would cost several times as much, and miss requests that are refused before them.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, g, has_request_context

from . import server_timing
from .request_recorder import RequestRecorder

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

RECORDER = "request_recorder"  # of the application's extensions

_clock_ns = time.monotonic_ns  # every request pays for each look-up of a name


class RecordedApplication:
    """Records the responses of an application with the recorder that its `extensions` have when it answers.

    The time of a request is that until its response begins.
    """

    def __init__(self, app: Flask):
        self._extensions = app.extensions
        self.application: WSGIApplication = app.wsgi_app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        started_ns = _clock_ns()
        recorder: RequestRecorder = self._extensions[RECORDER]

        def recorded_start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            request = environ.get("werkzeug.request")
            rule = request.url_rule if request is not None else None
            ended_ns = _clock_ns()
            recorder.record(
                environ["REQUEST_METHOD"], rule.rule if rule is not None else "", status,
                (ended_ns - started_ns) // 1000, headers, server_timing.current_or_none(), ended_ns,
            )  # fmt: skip
            return start_response(status, headers, exc_info)

        recorder.begin()
        try:
            return self.application(environ, recorded_start_response)
        finally:
            recorder.end()


def flask_request_id() -> str:
    """The id of the request that Flask serves, as `g.request_id` has it; empty outside of one."""
    return g.get("request_id", "") if has_request_context() else ""


def init_app(app: Flask) -> None:
    """Record the requests of the application with `app.extensions["request_recorder"]`."""
    # Flask documents this assignment for middleware, but declares wsgi_app as a method.
    app.wsgi_app = RecordedApplication(app)  # type: ignore[method-assign]

"""Admission control: bounds how many requests wait or run in a worker, and refuses others at once with 503.

Logins and all other requests have a limit each, so that neither can take the place of the other. A refusal costs no
database connection, no session and no hash: it comes from a WSGI middleware before Flask. The sum of both limits is
below the threads of a worker (see `settings_conflicts`), so that a thread is always free for the next refusal.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

from instrumentation import server_timing

from .settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOGIN = ("POST", "/login")
# Whoever watches an overloaded worker has to see it.
ALWAYS_ADMITTED = frozenset({"/health", "/metrics", "/admin/monitor"})
RETRY_AFTER_S = 1
STATUS = "503 SERVICE UNAVAILABLE"
BODY = b'{"success":false,"error":"too many requests at once"}\n'  # as `rendering` writes it
HEADERS = (
    ("Content-Type", "application/json"),
    ("Content-Length", str(len(BODY))),
    ("Retry-After", str(RETRY_AFTER_S)),
)


class RequestClass:
    """Requests that share one limit, and the counter of those that were refused.

    A place is taken by `list.pop` and given back by `list.append`: both are atomic, also between greenlets.
    """

    def __init__(self, limit: int, counter: str):
        self.counter = counter
        self.free_places: list[None] = [None] * limit

    def admit(self) -> bool:
        """Take a place; False if all are taken."""
        try:
            self.free_places.pop()
        except IndexError:
            return False
        return True

    def leave(self) -> None:
        """Give the place back."""
        self.free_places.append(None)


class AdmissionControl:
    """WSGI middleware that answers with 503 and `Retry-After` what finds the limit of its class reached."""

    def __init__(self, app: Flask, limit: int, login_limit: int):
        self.application: WSGIApplication = app.wsgi_app
        self._extensions = app.extensions
        self._logins = RequestClass(login_limit, "refused_logins")
        self._others = RequestClass(limit, "refused_requests")

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in ALWAYS_ADMITTED:
            return self.application(environ, start_response)
        admitting = self._logins if (environ["REQUEST_METHOD"], path) == LOGIN else self._others
        if not admitting.admit():
            return self._refuse(admitting.counter, start_response)
        try:
            return self.application(environ, start_response)
        finally:
            admitting.leave()

    def _refuse(self, counter: str, start_response: "StartResponse") -> list[bytes]:
        """Answer, and count what Flask counts of other requests: its hooks do not see this one."""
        slot: Any = self._extensions["worker_slot"]
        start_response(STATUS, [*HEADERS])
        slot.count("requests")
        slot.count(counter)
        if timing := server_timing.current_or_none():
            timing.count_in(slot, is_error=True)
        return [BODY]


def init_app(app: Flask, settings: Settings) -> None:
    """Put the middleware before Flask, where the settings have limits."""
    if settings.admission_limit:
        control = AdmissionControl(app, settings.admission_limit, settings.admission_login_limit)
        # Flask documents this assignment for middleware, but declares wsgi_app as a method.
        app.wsgi_app = control  # type: ignore[method-assign]

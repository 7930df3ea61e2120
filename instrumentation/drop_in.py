"""Two lines that instrument an application of one's own: Flask here, ASGI in `drop_in_asgi`."""

import os
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, redirect, request

from . import recorded_wsgi, server_timing
from .instrumented_worker import TOKEN_VARIABLE, InstrumentedWorker, is_from_this_machine
from .recorded_wsgi import RECORDER, flask_request_id
from .section_writer import REQUEST_ID

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

REFUSED = "The monitor opens for requests of this machine; pass is_admin to instrument to let others in.\n"


def instrument_flask(
    app: Flask, engine: Any = None, *, port: int | None = None, is_admin: Callable[[], bool] | None = None
) -> None:
    """See `instrumentation.instrument`."""
    if RECORDER in app.extensions:
        raise ValueError(
            f"the application {app.import_name} is instrumented already; call instrument once, with its engine"
        )
    worker = InstrumentedWorker(f"{app.import_name} in {app.root_path}", engine, port, flask_request_id)
    app.extensions[RECORDER], app.extensions["worker_slot"] = worker.recorder, worker.slot
    app.before_request(_identify)
    app.after_request(_send_identity)
    app.add_url_rule("/monitor", "instrumentation_monitor", lambda: _open_monitor(worker, is_admin))
    recorded_wsgi.init_app(app)
    if token := os.environ.get(TOKEN_VARIABLE):
        server_timing.init_app(app, lambda: worker.number, token)
    inner = app.wsgi_app

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        worker.begin_serving()
        app.extensions["worker_slot"] = worker.slot
        return inner(environ, start_response)

    # Flask documents this assignment for middleware, but declares wsgi_app as a method.
    served: Any = serve
    app.wsgi_app = served  # type: ignore[method-assign]


def _identify() -> None:
    g.request_id = request.headers.get(REQUEST_ID, "")[:64] or secrets.token_hex(8)


def _send_identity(response: Response) -> Response:
    response.headers.setdefault(REQUEST_ID, g.get("request_id", ""))
    return response


def _open_monitor(worker: InstrumentedWorker, is_admin: Callable[[], bool] | None) -> Any:
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not (is_admin() if is_admin else is_from_this_machine(request.remote_addr or "", headers)):
        return REFUSED, 403, {"Content-Type": "text/plain"}
    address, reason = worker.monitor_address("admin")
    return redirect(address, 303) if address else (f"{reason}\n", 503, {"Content-Type": "text/plain"})

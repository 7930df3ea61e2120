"""The application for an event loop: on Quart, served by uvicorn, with the views of the one for WSGI."""

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from instrumentation.asgi_timing import TimedAsgiApplication
from instrumentation.worker_metrics import Slot

from . import build, is_timed, startable, timed_token, warm_up_in_context, warm_up_requests
from .loop_application import LoopApplication
from .request_body import MAX_BODY_BYTES
from .security_headers import AsgiSecurityHeaders
from .settings import Settings
from .worker_number import worker_number


def create_app(settings: Settings | None = None) -> LoopApplication:
    """The ASGI application of one deployment; without settings they are read from the environment.

    Raises `SettingsError` for settings with which it must not start.
    """
    settings = startable(settings)
    app: Any = LoopApplication(__package__)  # has what `build` uses of Flask
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, BODY_TIMEOUT=settings.body_timeout_s or None)
    build(app, settings)
    slot: Slot = app.extensions["worker_slot"]
    if is_timed(settings):
        app.asgi_app = TimedAsgiApplication(app.asgi_app, worker_number(), timed_token(settings), slot)
    app.asgi_app = AsgiSecurityHeaders(app.asgi_app)
    app.while_serving(lambda: _served(app, settings))
    return app


async def _served(app: Any, settings: Settings) -> AsyncIterator[None]:
    """Warm the worker up in its loop, where its connections live, and count it as ready; close them at the end."""
    if settings.warm_up:
        try:
            await app.ensure_async(warm_up_in_context)(app)
            await warm_up_requests.send_in_loop(app)
        except SQLAlchemyError as error:
            app.logger.warning("not warmed up", extra={"reason": str(error).splitlines()[0]})
    app.extensions["worker_slot"].count("ready")
    yield
    await app.ensure_async(app.extensions["engine"].dispose)()
    if store := app.extensions["store"]:
        await app.ensure_async(store.client.aclose)()
    if upstream := app.extensions["upstream"]:
        await app.ensure_async(upstream.close)()

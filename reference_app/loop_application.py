"""The application on Quart: Flask's interface over an event loop, with the same views as on Flask.

Quart calls what is no coroutine by `sync_to_async`. Here that is a greenlet of the loop instead of a thread, so that
views, sessions and error handlers may wait without stopping the loop (see `event_loop`).

Code that is written for Flask finds its request by Flask's context variables. They are set to Quart's contexts, which
have the same attributes; Pallets' `quart-flask-patch` does the same for extensions of Flask.
"""

import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, Token
from functools import partial
from typing import Any

import flask.globals
import flask.templating
from quart import Quart, Request
from quart.ctx import AppContext, RequestContext
from sqlalchemy.util.concurrency import greenlet_spawn
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

FLASK_APP: ContextVar[Any] = flask.globals._cv_app
FLASK_REQUEST: ContextVar[Any] = flask.globals._cv_request


class SharedAppContext(AppContext):
    """A context of the application that Flask's `current_app` and `g` lead to."""

    async def push(self) -> None:
        self._flask: Token = FLASK_APP.set(self)
        await super().push()

    async def pop(self, *error: Any) -> None:
        await super().pop(*error)
        FLASK_APP.reset(self._flask)


class SharedRequestContext(RequestContext):
    """A context of a request that Flask's `request` and `session` lead to."""

    async def push(self) -> None:
        self._flask: Token = FLASK_REQUEST.set(self)
        await super().push()

    async def pop(self, *error: Any) -> None:
        await super().pop(*error)
        FLASK_REQUEST.reset(self._flask)


class LoopRequest(Request):
    """A request whose query string and JSON are refused as Flask refuses them."""

    def __init__(self, method: str, scheme: str, path: str, query_string: bytes, *arguments: Any, **named: Any):
        # Quart takes it for UTF-8 while it looks for the view; the view is to answer what is none.
        query_string = re.sub(rb"[\x80-\xff]", lambda byte: b"%%%02X" % ord(byte[0]), query_string)
        super().__init__(method, scheme, path, query_string, *arguments, **named)

    async def get_json(self, *arguments: Any, **named: Any) -> Any:
        if not self.is_json:
            raise UnsupportedMediaType("the body must be JSON, with the Content-Type application/json")
        try:
            return await super().get_json(*arguments, **named)
        except UnicodeDecodeError:
            raise BadRequest("the body must be UTF-8") from None


class LoopApplication(Quart):
    """Quart with Flask's contexts and templates, which calls synchronous functions in greenlets of its loop."""

    jinja_environment = flask.templating.Environment  # type: ignore[assignment]  # renders without coroutines
    request_class = LoopRequest

    def sync_to_async(self, func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        return partial(greenlet_spawn, func)

    def app_context(self) -> AppContext:
        return SharedAppContext(self)

    def request_context(self, request: Request) -> RequestContext:
        return SharedRequestContext(self, request)

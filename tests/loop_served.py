"""The application on Quart for tests that are written for Flask's: its loop runs in a thread, its client is Werkzeug's.

The client calls WSGI; `AsgiBridge` makes a request of ASGI from it, and waits for the response.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import unquote

from werkzeug.test import Client

from reference_app.asynchronous import create_app
from reference_app.loop_application import FLASK_APP, LoopApplication
from reference_app.settings import Settings

TIMEOUT_S = 60


def on_loop(settings: Settings) -> Settings:
    """The settings as an event loop can have them; its sessions in files become ones in cookies."""
    return replace(
        settings,
        server="uvicorn",
        driver="psycopg3",
        threads=1,
        preload=False,
        deadlines=False,
        hash_limit=settings.hash_limit or 1,
        sessions="cookie" if settings.unpickles else settings.sessions,
    )


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(TIMEOUT_S)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class AsgiBridge:
    """WSGI in front of an ASGI application in a loop."""

    def __init__(self, app: LoopApplication, loop: Loop):
        self._app = app
        self._loop = loop

    def __call__(self, environ, start_response):
        status, headers, body = self._loop.run(self._respond(_scope(environ), environ["wsgi.input"].read()))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    async def _respond(self, scope, content):
        messages, unsent = [], [{"type": "http.request", "body": content, "more_body": False}]

        async def receive():
            if not unsent:
                await asyncio.Event().wait()  # a client that waits for the response
            return unsent.pop()

        async def send(message):
            messages.append(message)

        await self._app(scope, receive, send)
        start, *parts = messages
        headers = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
        return start["status"], headers, b"".join(part["body"] for part in parts)


def _scope(environ):
    names = {name: name.replace("_", "-").lower() for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
    names |= {name: name[5:].replace("_", "-").lower() for name in environ if name.startswith("HTTP_")}
    headers = [(names[name].encode(), str(environ[name]).encode("latin-1")) for name in names if name in environ]
    raw_path = environ.get("RAW_URI", environ["PATH_INFO"]).partition("?")[0]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": environ["QUERY_STRING"].encode("latin-1"),
        "root_path": "",
        "headers": headers,
        "client": (environ.get("REMOTE_ADDR", "127.0.0.1"), 50_000),
        "server": ("localhost", 80),
    }


class LoopServed:
    """What tests use of a Flask application: its extensions and its client."""

    def __init__(self, app: LoopApplication, loop: Loop):
        self._app = app
        self._loop = loop
        self.extensions = app.extensions
        self.view_functions = app.view_functions
        self.logger = app.logger
        self.session_interface = app.session_interface
        self.before_request = app.before_request

    def run(self, function):
        """Call a coroutine function with the application, in its loop."""
        return self._loop.run(function(self._app))

    def test_client(self, use_cookies: bool = True) -> Client:
        return LoopClient(self, AsgiBridge(self._app, self._loop), use_cookies=use_cookies)

    @contextmanager
    def app_context(self) -> Iterator[None]:
        """A context for code that waits for nothing."""
        token = FLASK_APP.set(self._app.app_context())
        yield
        FLASK_APP.reset(token)

    def cookie_of(self, content: dict) -> str:
        """The cookie of a new session with this content."""
        return self._loop.run(self._write_session(content))

    async def _write_session(self, content):
        async with self._app.test_request_context("/") as context:
            context.session.update(content)
            response = await self._app.process_response(self._app.response_class(), context)
        return response.headers["Set-Cookie"].partition(";")[0].partition("=")[2]


class LoopClient(Client):
    """Werkzeug's client with what Flask adds to it."""

    def __init__(self, application: LoopServed, *arguments, **named):
        super().__init__(*arguments, **named)
        self.application_served = application

    @contextmanager
    def session_transaction(self) -> Iterator[dict]:
        """A session that is empty first and belongs to the client afterwards."""
        content: dict = {}
        yield content
        self.set_cookie("session", self.application_served.cookie_of(content))


@contextmanager
def loop_served(settings: Settings) -> Iterator[LoopServed]:
    """The application on Quart for the block; it is not warmed up."""
    loop, app = Loop(), create_app(on_loop(settings))
    try:
        yield LoopServed(app, loop)
    finally:
        loop.run(app.ensure_async(app.extensions["engine"].dispose)())
        if store := app.extensions["store"]:
            loop.run(app.ensure_async(store.client.aclose)())
            store.blocking.client.close()
        if upstream := app.extensions["upstream"]:
            loop.run(app.ensure_async(upstream.close)())
        app.extensions["hash_executor"].shutdown()
        loop.close()

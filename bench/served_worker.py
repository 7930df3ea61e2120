"""One served worker of a deployment, with the clock of its CPU time and a session with it."""

import ctypes
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from loadgen import application, dataset, deployments, services
from loadgen.accounts import PASSWORD
from reference_app.settings import Settings

CREDENTIALS = urllib.parse.urlencode({"username": "user001", "password": PASSWORD}).encode()
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Worker:
    """One worker, a session with it, and which of its applications is meant where it has two (see `twins`)."""

    url: str
    cookie: str
    pid: int
    twin: str = ""

    @property
    def address(self) -> tuple[str, int]:
        parts = urllib.parse.urlsplit(self.url)
        return parts.hostname, parts.port

    def cpu_ns(self) -> int:
        """CPU time of all its threads so far."""
        clock = ctypes.c_int()
        if error := _libc.clock_getcpuclockid(self.pid, ctypes.byref(clock)):
            raise OSError(error, f"no clock of process {self.pid}")
        return time.clock_gettime_ns(clock.value)


@contextmanager
def around(deployment: str, **changed) -> Iterator[Settings]:
    """The settings of a deployment with the small dataset, and for the block the database and the store it needs."""
    settings = deployments.find(deployment, scale="small", secret_key="a key of the bench", **changed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(services.database_server(folder / "postgres", 110))
        template = dataset.ensure_template(server, "small", settings.indexes)
        database = stack.enter_context(dataset.clone(server, template, "bench", settings))
        settings = replace(settings, database_url=server.url_of(database))
        if settings.needs_store:
            store = stack.enter_context(services.store_server(folder, folder / "valkey.log"))
            settings = replace(settings, redis_url=store.url, store_prefix=store.prefix)
        yield settings


@contextmanager
def serve(settings: Settings, wsgi_app: str = "") -> Iterator[Worker]:
    """The deployment's only worker, for the block; `wsgi_app` as `loadgen.application.serve` has it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        application.serve(settings, Path(folder) / "gunicorn.log", wsgi_app=wsgi_app) as served,
    ):
        (process,) = psutil.Process(served.child.pid).children()
        yield Worker(served.url, _cookie(served.url), process.pid)


class KeepRedirect(urllib.request.HTTPRedirectHandler):
    """A login answers with a redirect, and the cookie is in that answer."""

    def redirect_request(self, *_):
        return None


def _cookie(url):
    opener = urllib.request.build_opener(KeepRedirect)
    try:
        opener.open(f"{url}/login", CREDENTIALS)
    except urllib.error.HTTPError as redirect:
        return redirect.headers["Set-Cookie"].split(";")[0]
    raise RuntimeError("the login was refused")

"""One served worker of a deployment, with its CPU clock and a session."""

import ctypes
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from loadgen import application, dataset, deployments, run_database, services
from loadgen.accounts import PASSWORD
from reference_app.settings import Settings
from workbench.endpoints import LOGIN

RUN_TOKEN = "a-run-token-of-the-bench"
CREDENTIALS = urllib.parse.urlencode({"username": "user001", "password": PASSWORD}).encode()
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Worker:
    """One worker and a session with it.

    `application` chooses between the two applications of `paired_apps`, for a worker that has both.
    """

    url: str
    cookie: str
    pid: int
    application: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """The host and port of the URL."""
        parts = urllib.parse.urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    def cpu_ns(self) -> int:
        """CPU time of all its threads so far. Raises `OSError` if the process is gone."""
        clock = ctypes.c_int()
        if error := _libc.clock_getcpuclockid(self.pid, ctypes.byref(clock)):
            raise OSError(error, f"no clock of process {self.pid}")
        return time.clock_gettime_ns(clock.value)


@contextmanager
def backing_services(deployment: str, **changes: Any) -> Iterator[Settings]:
    """Run the database and the store that a deployment needs for the block; yields its settings with their URLs.

    The dataset is the small one. `changes` are settings that differ from the deployment's.
    """
    secrets = {"secret_key": "a key of the bench", "run_token": RUN_TOKEN}
    settings = deployments.settings_for(deployment, scale="small", **secrets, **changes)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(services.database_server(folder / "postgres", 110))
        template = dataset.ensure_template(server, "small", settings.indexes)
        database = stack.enter_context(run_database.clone(server, template, "bench", settings))
        settings = replace(settings, database_url=server.application_url_of(database))
        if settings.needs_store:
            store = stack.enter_context(services.store_server(folder, folder / "valkey.log"))
            settings = replace(settings, redis_url=store.url, store_prefix=store.prefix)
        yield settings


@contextmanager
def serve(settings: Settings, wsgi_app: str = "") -> Iterator[Worker]:
    """Run the deployment's only worker for the block; `wsgi_app` as `loadgen.application.serve` takes it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        application.serve(settings, Path(folder) / "gunicorn.log", wsgi_app=wsgi_app) as served,
    ):
        (process,) = psutil.Process(served.child.pid).children()
        yield Worker(served.url, _cookie(served.url), process.pid)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as it is: that of a login carries the cookie."""

    def redirect_request(self, *_: object) -> None:
        return None


def _cookie(url: str) -> str:
    """The session cookie of a new login."""
    opener = urllib.request.build_opener(NoRedirect)
    try:
        opener.open(f"{url}{LOGIN.path}", CREDENTIALS)
    except urllib.error.HTTPError as redirect:
        return redirect.headers["Set-Cookie"].split(";")[0]
    raise RuntimeError("the login was refused")

"""An application with its monitor, as tests put it under load and look at it."""

import http.client
import json
import secrets
import urllib.parse
from contextlib import closing, contextmanager
from dataclasses import replace

from instrumentation.worker_metrics import WorkerMetrics
from loadgen import services
from reference_app.counters import COUNTERS
from reference_app.settings import Settings
from tests.conftest import QUICK_HASH, Visitor

ADMIN = "user001"


def with_monitor(settings, **changes):
    """The settings with a monitor on a free port."""
    return replace(settings, monitor=True, monitor_port=services.free_port(), **changes)


def monitored_settings(server, database, folder, workers=1, **changes):
    """Threaded workers with a monitor, on small data; their metrics are in the folder."""
    WorkerMetrics.create(folder / "metrics", workers, COUNTERS)
    common = Settings(
        database_url=server.application_url_of(database),
        secret_key=secrets.token_hex(32),
        readings_file=str(folder / "metrics"),
        server="gthread",
        workers=workers,
        pool_max_overflow=0,
        scale="small",
        password_hash=QUICK_HASH,
        login_throttle=False,
        cache="process",
    )
    return with_monitor(common, **changes)


class MonitorClient:
    """A client of a monitor on this machine, with the cookie that it got."""

    def __init__(self, port, host="127.0.0.1"):
        self.port, self._host, self.cookie = port, host, ""

    def get(self, path, **headers):
        """Status, headers and text of an answer that ends."""
        with closing(self._request(path, headers)) as connection:
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()

    @contextmanager
    def stream(self):
        """The answer that goes on, for the block."""
        with closing(self._request("/monitor/events", {})) as connection, closing(connection.getresponse()) as response:
            yield response

    def log_in(self, location):
        """Follow the redirect of the application."""
        parts = urllib.parse.urlsplit(location)
        status, headers, _ = self.get(f"{parts.path}?{parts.query}")
        self.cookie = (headers["Set-Cookie"] or "").split(";")[0]
        return status, headers

    def snapshot(self, condition=lambda snapshot: True, attempts=20):
        """The first snapshot of the stream that fulfils the condition."""
        with self.stream() as response:
            for _ in range(3 * attempts):
                line = response.readline()
                if line.startswith(b"data: ") and condition(snapshot := json.loads(line[6:])):
                    return snapshot
        raise AssertionError(f"no such snapshot; the last line is {line!r}")

    def _request(self, path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        cookie = {"Cookie": self.cookie} if self.cookie else {}
        connection.request("GET", path, headers={"Host": f"{self._host}:{self.port}", **cookie, **headers})
        return connection


def monitor_of(served, port, user=ADMIN):
    """A client that has come from the application to its monitor, as an administrator does."""
    client = MonitorClient(port)
    location = Visitor(served.url).login(user).get("/admin/monitor").headers["Location"]
    assert client.log_in(location)[0] == 303
    return client

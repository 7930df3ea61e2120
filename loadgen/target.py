"""An application that is already running, as the thing that is put under load: `--target URL`."""

import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UserError

from . import dataset, locust_runner
from .addresses import addresses, is_own
from .collectors.process_reader import ProcessReader
from .record_writer import Order
from .run import recorded

PATIENCE_S = 30.0  # for a target that is slow to start


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


# A redirect may lead to a host that nobody confirmed, and a proxy may answer for a target that is not there.
DIRECTLY = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Target:
    """Where it is: `url` without a path, `host` as given."""

    url: str
    host: str
    port: int

    @classmethod
    def parse(cls, given: str) -> "Target":
        """Raises `UserError` for what is no address of a web server."""
        parts = urllib.parse.urlsplit(given)
        try:
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        except (KeyError, ValueError):
            raise UserError(f"{_redacted(given)} is no target; it looks like http://host:port") from None
        if not parts.hostname or parts.path.strip("/") or parts.query:
            raise UserError(f"{_redacted(given)} is no target; it is a scheme, a host and a port: http://host:port")
        return cls(given.rstrip("/"), parts.hostname, port)

    @property
    def place(self) -> str:
        """The URL without a user."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"

    def public(self) -> str:
        """The URL without a password."""
        return _redacted(self.url)

    def require_confirmed(self, confirmed: str | None) -> None:
        """Raise `UserError` for a host that is not this machine, unless it was confirmed by name."""
        if confirmed is not None and confirmed != self.host:
            raise UserError(f"--confirm-target {confirmed} is not the host of the target, which is {self.host}")
        if confirmed is None and not all(map(is_own, self._addresses())):
            raise UserError(
                f"{self.host} is not this machine; put load only on what you may, and say so: "
                f"--confirm-target {self.host}"
            )

    def _addresses(self):
        try:
            return addresses(self.host, self.port)
        except OSError as error:
            raise UserError(f"the target's host {self.host} cannot be found: {error.strerror or error}") from None

    def wait_until_there(self, patience_s: float = PATIENCE_S) -> None:
        """Until it answers a request, with any status. Raises `UserError` that says what came instead."""
        deadline = time.monotonic() + patience_s
        while True:
            reason = _no_answer(self.place)
            if not reason:
                return
            if time.monotonic() > deadline:
                raise UserError(f"the target {self.public()} was not there within {patience_s:.0f} s: {reason}")
            time.sleep(0.2)


def execute(target: Target, order: Order, directory: Path, locustfile: Path | None = None) -> dict:
    """Put the target under the order's load, leave the record in `directory`, and return `run.json`'s content."""
    scenario = order.load()
    if scenario.kind == "start" or scenario.sql_before:
        raise UserError(f"the scenario {scenario.name} needs an application and a database of our own, not a target")
    directory.mkdir(parents=True)
    deployment = {"name": order.deployment, "settings": {"url": target.public()}}
    rows = dataset.find_scale(order.scale).counts()
    with recorded(directory, order, scenario, deployment) as written:
        written["dataset"]["counts"] = rows
        written["locustfile"] = locustfile and locustfile.name
        target.wait_until_there()
        sent = locust_runner.Load(scenario, order.seed, rows, order.processes, locustfile)
        with (
            locust_runner.generator(sent, target.url, directory) as generator,
            closing(ProcessReader(generator.roles(), generator.started_ns, directory)) as reader,
        ):
            generator.let_go()
            generator.wait(reader.read_when_due)
            written["readings"] = reader.cost.record()
    return written


def _no_answer(url):
    """Why there is no answer to a request, or nothing."""
    try:
        with DIRECTLY.open(url, timeout=5):
            return ""
    except urllib.error.HTTPError:
        return ""
    except urllib.error.URLError as error:
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    except Exception as error:  # http.client's own for what is not HTTP
        return f"it does not speak HTTP ({type(error).__name__})"


def _redacted(url):
    parts = urllib.parse.urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url

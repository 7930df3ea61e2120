"""A target: an application that is running already, put under load with `--target URL`."""

import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UserError
from workbench.polling import attempts

from . import dataset, locust_runner
from .addresses import is_local_address, resolve
from .collectors.process_reader import ProcessReader
from .run import recorded
from .run_spec import RunSpec

START_TIMEOUT_S = 30.0  # for a target that is slow to start


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


# A redirect may lead to an unconfirmed host, and a proxy may answer for a target that is down.
DIRECT = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Target:
    """The address of the application: `url` without a path, and its `host` and `port`."""

    url: str
    host: str
    port: int

    @classmethod
    def parse(cls, given: str) -> "Target":
        """Parse a URL. Raises `UserError` if it is not the address of a web server."""
        parts = urllib.parse.urlsplit(given)
        try:
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        except (KeyError, ValueError):
            raise UserError(f"{_redacted(given)} is no target; it looks like http://host:port") from None
        if not parts.hostname or parts.path.strip("/") or parts.query:
            raise UserError(f"{_redacted(given)} is no target; it is a scheme, a host and a port: http://host:port")
        return cls(given.rstrip("/"), parts.hostname, port)

    @property
    def bare_url(self) -> str:
        """The URL without user and password."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"

    def public(self) -> str:
        """The URL with the password redacted."""
        return _redacted(self.url)

    def require_confirmed(self, confirmed: str | None) -> None:
        """Raise `UserError` for a host that is not this machine, unless `confirmed` is its name."""
        if confirmed is not None and confirmed != self.host:
            raise UserError(f"--confirm-target {confirmed} is not the host of the target, which is {self.host}")
        if confirmed is None and not all(map(is_local_address, self._addresses())):
            raise UserError(
                f"{self.host} is not this machine; put only hosts under load that you are allowed to, and confirm the "
                f"host: --confirm-target {self.host}"
            )

    def _addresses(self) -> set[str]:
        try:
            return resolve(self.host, self.port)
        except OSError as error:
            raise UserError(f"the target's host {self.host} cannot be found: {error.strerror or error}") from None

    def wait_until_up(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until the target answers a request, with any status. Raises `UserError` if it does not."""
        reason = ""
        for _ in attempts(timeout_s, 0.2):
            reason = _connection_error(self.bare_url)
            if not reason:
                return
        raise UserError(f"the target {self.public()} did not answer within {timeout_s:.0f} s: {reason}")


def execute(target: Target, spec: RunSpec, directory: Path, locustfile: Path | None = None) -> dict:
    """Put the target under the load of `spec`, leave the files of the run in `directory`, and return its record."""
    scenario = spec.load()
    if scenario.kind == "start" or scenario.sql_before:
        raise UserError(
            f"the scenario {scenario.name} needs an application and a database of the workbench, not a target"
        )
    directory.mkdir(parents=True)
    deployment = {"name": spec.deployment, "settings": {"url": target.public()}}
    rows = dataset.find_scale(spec.scale).counts()
    with recorded(directory, spec, scenario, deployment) as record:
        record["dataset"]["counts"] = rows
        record["locustfile"] = locustfile and locustfile.name
        target.wait_until_up()
        load = locust_runner.Load(scenario, spec.seed, rows, spec.processes, locustfile)
        with (
            locust_runner.generator(load, target.url, directory) as generator,
            closing(ProcessReader(generator.roles(), generator.started_ns, directory)) as reader,
        ):
            generator.release_users()
            generator.wait(reader.read_when_due)
            record["readings"] = reader.cost.record()
    return record


def _connection_error(url: str) -> str:
    """The reason why a request gets no response; empty if it gets one."""
    try:
        with DIRECT.open(url, timeout=5):
            return ""
    except urllib.error.HTTPError:
        return ""
    except urllib.error.URLError as error:
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    except Exception as error:  # http.client has errors of its own for what is not HTTP
        return f"it does not speak HTTP ({type(error).__name__})"


def _redacted(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url

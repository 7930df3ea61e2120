"""A target: an application that is running already, put under load with `--target URL`."""

import http.client
import shutil
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench.errors import UsageError, UserError
from workbench.paths import REPOSITORY
from workbench.polling import attempts
from workbench.redaction import redacted

from . import dataset, locust_runner, readiness, record_writer
from .addresses import is_local_address, is_local_host, resolve
from .collectors.process_reader import ProcessReader
from .generator.import_path import TAKEN
from .load_hosts import LoadHosts, recorded_hosts
from .locust_runner import Generator, Load
from .readiness import any_certificate
from .run import recorded
from .run_spec import RunSpec
from .scenarios import Scenario
from .subprocesses import Child

START_TIMEOUT_S = 30.0  # for a target that is slow to start


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


# A redirect may lead to an unconfirmed host, and a proxy may answer for a target that is down.
DIRECT = urllib.request.build_opener(
    _NoRedirects, urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=any_certificate())
)
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
FORMS = "it looks like http://host:port, with a base path if there is one, or host:port"


@dataclass(frozen=True)
class Target:
    """The address of the application: `url` as Locust's `host`, and its `host` and `port`.

    A base path is Locust's to keep. Without a scheme the user classes know what to speak.
    """

    url: str
    host: str
    port: int

    @classmethod
    def parse(cls, given: str) -> "Target":
        """Parse an address. Raises `UserError` if it is none."""
        try:
            parts = urllib.parse.urlsplit(given if "://" in given else f"//{given}")
            port = parts.port or PORTS[parts.scheme]
        except (KeyError, ValueError):
            raise UsageError(f"{_redacted(given)} is no target; {FORMS}") from None
        if not parts.hostname or parts.query or parts.fragment:
            raise UsageError(f"{_redacted(given)} is no target; {FORMS}, without a query")
        return cls(given.rstrip("/"), parts.hostname, port)

    @property
    def bare_url(self) -> str:
        """The URL without user and password."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"

    @property
    def speaks_http(self) -> bool:
        return self.url.startswith(("http://", "https://"))

    def public(self) -> str:
        """The URL with the password redacted."""
        return _redacted(self.url)

    def require_confirmed(self, confirmed: str | None) -> None:
        """Raise `UserError` for a host that is not this machine, unless `confirmed` is its name."""
        if confirmed is not None and confirmed != self.host:
            raise UsageError(f"--confirm-target {confirmed} is not the host of the target, which is {self.host}")
        if confirmed is None and not all(map(is_local_address, self._addresses())):
            raise UsageError(
                f"{self.host} is not this machine; put only hosts under load that you are allowed to, and confirm the "
                f"host: --confirm-target {self.host}"
            )

    def _addresses(self) -> set[str]:
        try:
            return resolve(self.host, self.port)
        except OSError as error:
            raise UserError(f"the target's host {self.host} cannot be found: {error.strerror or error}") from None

    def wait_until_up(self, timeout_s: float = START_TIMEOUT_S, path: str = "") -> None:
        """Wait until the target answers, in whatever way, or with 2xx or 3xx at a `path` of its host.

        Raises `UserError` if it does not.
        """
        reason = ""
        for _ in attempts(timeout_s, 0.2):
            reason = self._problem(path)
            if not reason:
                return
        raise UserError(f"the target {self.public()} did not answer within {timeout_s:.0f} s: {reason}")

    def _problem(self, path: str) -> str:
        if not self.speaks_http:
            return self._connect_error()
        return (readiness.problem(self.bare_url, path) if path else "") or _connection_error(self.bare_url)

    def _connect_error(self) -> str:
        """The reason why no connection can be made; empty if one can."""
        try:
            with socket.create_connection((self.host, self.port), timeout=5):
                return ""
        except OSError as error:
            return error.strerror or str(error) or type(error).__name__


@dataclass(frozen=True)
class Users:
    """The user classes for a target: TraceTrack's, or those of a locustfile, and which of its tasks.

    `tls` says how certificates are checked, see `loadgen.generator.config`.
    """

    locustfile: Path | None = None
    tags: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    tls: str = ""

    def digest(self) -> str | None:
        """A digest of the locustfile; None without one."""
        return sha256(self.locustfile.read_bytes()).hexdigest()[:12] if self.locustfile else None

    def check(self) -> None:
        """Raise `UserError` for a locustfile that is no Python, or that has a package of the name of one of ours."""
        if self.locustfile:
            _require_python(self.locustfile)
        places = {self.locustfile.parent, Path.cwd()} - {REPOSITORY} if self.locustfile else set()
        names = [name for package in TAKEN for name in (package, f"{package}.py")]
        for path in (place / name for place in places for name in names):
            if path.exists():
                raise UserError(
                    f"{path} has the name of a package of the workbench, which the locustfile would get in its place; "
                    "rename it"
                )


def _require_python(path: Path) -> None:
    try:
        compile(path.read_bytes(), str(path), "exec")
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise UserError(f"{path} is no Python: {error}") from None
    except OSError as error:  # an experiment is resumed, and it is gone
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def execute(
    target: Target,
    spec: RunSpec,
    directory: Path,
    users: Users | None = None,
    deployment: dict | None = None,
    serving: AbstractContextManager[Child | None] | None = None,
    run_token: str = "",
    success: Mapping[str, Mapping[str, Any]] | None = None,
    roots: Mapping[str, int | None] | None = None,
    hosts: LoadHosts | None = None,
) -> dict:
    """Put the target under the load of `spec`, leave the files of the run in `directory`, and return its record.

    `deployment` is what the record says of it, if not its URL alone. `serving` serves it for the run, in a process
    whose CPU time is read, as is that of `roots`, by role. `hosts` make the load in the place of this one. For
    `run_token` and `success` see `locust_runner.Load`.
    """
    scenario, users = spec.load(), users or Users()
    _require_load(scenario)
    users.check()
    directory.mkdir(parents=True)
    deployment = deployment or {"name": spec.name, "settings": {"url": target.public()}}
    load = _load(spec, scenario, users, run_token, success or {})
    try:
        with recorded(directory, spec, scenario, deployment) as record, recorded_hosts(record, hosts, directory):
            _note_load(record, load)
            if not serving:
                target.wait_until_up()
            with (
                (hosts or locust_runner).generator(load, target.url, directory) as generator,
                serving or nullcontext() as served,
                closing(_process_reader(generator, target, directory, served, roots or {}, hosts)) as reader,
            ):
                _drive(record, generator, reader, served)
                record["readings"] = reader.cost.record()
    except locust_runner.Refused:
        shutil.rmtree(directory)  # nothing was sent: it is no run
        raise
    return record


def _note_load(record: dict, load: Load) -> None:
    """Note in the record what is known of the load before it begins."""
    record["dataset"]["counts"] = load.rows
    record["locustfile"] = load.locustfile and load.locustfile.name
    record["ignored_settings"] = locust_runner.ignored_settings(Path.cwd())


def _load(
    spec: RunSpec, scenario: Scenario, users: Users, run_token: str, success: Mapping[str, Mapping[str, Any]]
) -> Load:
    rows = dataset.find_scale(spec.scale).counts()
    chosen = users.locustfile, users.tags, users.without_tags, users.tls
    return Load(scenario, spec.seed, rows, spec.processes, *chosen, run_token, success=success)


def _require_load(scenario: Scenario) -> None:
    if scenario.kind == "start" or scenario.sql_before:
        raise UsageError(
            f"the scenario {scenario.name} needs an application and a database of the workbench, not a target"
        )


def _drive(record: dict, generator: Generator, reader: ProcessReader, served: Child | None) -> None:
    """Release the users, and wait for the end of the load."""
    record_writer.add_clock(record, generator.started_ns)
    if served:  # the CPU time of the load is the difference of readings before and after it
        reader.read(slow=True)
    generator.release_users()
    generator.wait(lambda: _check(reader, served))
    if served:
        reader.read(slow=True)


def _check(reader: ProcessReader, served: Child | None) -> None:
    """Read the processes when it is due. Raises `UserError` if what served has ended."""
    reader.read_when_due()
    if served and served.ended():
        code = served.process.returncode
        raise UserError(f"{served.name} ended in mid-run (code {code}): {served.last_line()}\nIts log is {served.log}")


def _process_reader(
    generator: Generator,
    target: Target,
    directory: Path,
    served: Child | None,
    roots: Mapping[str, int | None],
    hosts: LoadHosts | None,
) -> ProcessReader:
    roles = {"server": served.pid, **roots, **generator.roles()} if served else generator.roles()
    # The CPU time of a target on this machine is not that of others, and cannot be subtracted; other hosts have others.
    is_whole = served is not None or not (hosts or is_local_host(target.host))
    return ProcessReader(roles, generator.started_ns, directory, is_whole=is_whole)


def _connection_error(url: str) -> str:
    """The reason why a request gets no response; empty if it gets one."""
    try:
        with DIRECT.open(url, timeout=5):
            return ""
    except urllib.error.HTTPError:
        return ""
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):  # it asks for a certificate, or speaks something else
            return ""
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    except http.client.HTTPException:  # an answer, if not of HTTP
        return ""


def _redacted(url: str) -> str:
    try:
        password = urllib.parse.urlsplit(url).password
    except ValueError:
        return redacted(url)
    return url.replace(f":{password}@", ":***@") if password else url

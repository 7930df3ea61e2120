"""A real PostgreSQL for the session, a database of its own for each module, the application on top of it."""

import http.cookiejar
import io
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from http.client import HTTPMessage
from pathlib import Path

import psutil
import pytest
import redis
from flask import Flask

from instrumentation import deadlines
from instrumentation.worker_metrics import WorkerMetrics
from loadgen import __main__ as loadgen_command
from loadgen import dataset, deployments, environment, machine_lock, run_database, services
from loadgen.accounts import PASSWORD
from loadgen.application import Application
from reference_app import create_app
from reference_app.counters import COUNTERS
from reference_app.settings import PREFIX, Settings
from tests.brief_server import serve_briefly
from workbench.paths import REPOSITORY
from workbench.request_schema import STREAMS
from workbench.request_stream import read_stream

pytest_plugins = ("tests.builders", "tests.store_fixtures")

OF_TESTS = f"{PREFIX}CHAOS_"  # the seed and the number of drawn sequences
for variable in [name for name in os.environ if name in ("DATABASE_URL", "REDIS_URL") or name.startswith(PREFIX)]:
    if not variable.startswith(OF_TESTS):
        del os.environ[variable]

# Tests run in several processes at once, and each of them is alone on a machine of its own.
os.environ[machine_lock.VARIABLE] = f"tracetrack-tests-{os.getpid()}"

# What other processes of the tests take of the machine is no fault of a run.
os.environ[environment.SHARED_MACHINE] = "1"

# A shell that starts the tests in the background has them ignore Ctrl-C, `nohup` a hangup, and what they start too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


QUICK_HASH = "argon2id"  # a login takes a tenth of the time that it takes with scrypt


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of whole reports first: what takes longest must not start last, with the other processes idle."""
    items.sort(key=lambda item: "end_to_end" not in item.nodeid)


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[services.DatabaseServer]:
    directory = tmp_path_factory.mktemp("server") / "postgres"
    with ExitStack() as stack:
        with warnings.catch_warnings():
            # Newer Pythons warn of any fork beside threads, and NumPy of earlier tests has some.
            warnings.simplefilter("ignore", DeprecationWarning)
            started = stack.enter_context(services.database_server(directory, 100))
        save_disk_writes(started)
        yield started


def save_disk_writes(server: services.DatabaseServer) -> None:
    """No longer wait for the disk: what a test stores need not outlive the machine. It holds for the cluster."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
            cursor.execute(statement)


@pytest.fixture(scope="session")
def template(server) -> str:
    return dataset.ensure_template(server, "small", "btree")


@pytest.fixture(scope="module")
def database(server, template) -> Iterator[str]:
    """A clone; `run_database.clone` drops left-over ones, so no two may be in use at a time."""
    settings = deployments.settings_for("as-measured", password_hash=QUICK_HASH, sessions="database")
    with run_database.clone(server, template, "tests", settings) as name:
        yield name


@pytest.fixture(scope="session")
def store_process(tmp_path_factory) -> Iterator[services.StoreServer]:
    directory = tmp_path_factory.mktemp("store")
    with ExitStack() as stack:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            started = stack.enter_context(services.store_server(directory, directory / "valkey.log"))
        yield started


@pytest.fixture
def store(store_process) -> services.StoreServer:
    """A real Valkey with nothing in it."""
    with redis.Redis.from_url(store_process.url) as client:
        client.flushall()
        client.config_resetstat()
    return store_process


@pytest.fixture
def settings(server, database, tmp_path) -> Settings:
    return Settings(
        database_url=server.application_url_of(database),
        secret_key="a key of the tests",
        sessions="filesystem",
        session_directory=str(tmp_path / "sessions"),
        pool_size=2,
        scale="small",
        password_hash=QUICK_HASH,
        login_throttle=False,
        server_timing_for_all=True,
    )


@contextmanager
def application(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions["engine"].dispose()
    if app.extensions["store"]:
        app.extensions["store"].client.close()
    if upstream := app.extensions["upstream"]:
        upstream.close()
    if executor := app.extensions["hash_executor"]:
        executor.shutdown()


@pytest.fixture
def make_app() -> Iterator[Callable[[Settings], Flask]]:
    """Applications with settings of the test's own."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(application(settings))


@pytest.fixture
def app(make_app, settings) -> Flask:
    return make_app(settings)


@pytest.fixture
def client(app):
    return app.test_client()


class Auth:
    def __init__(self, client):
        self._client = client

    def login(self, username="user001", password=PASSWORD):
        return self._client.post("/login", data={"username": username, "password": password})

    def logout(self):
        return self._client.post("/logout")


@pytest.fixture
def auth(client) -> Auth:
    return Auth(client)


@pytest.fixture
def serve(tmp_path) -> Iterator[Callable[[Settings], Application]]:
    """Gunicorn with settings of the test's own, all of its workers ready; its log is `gunicorn.log`."""
    with ExitStack() as stack:

        def serve(settings):
            file = tmp_path / f"metrics-{secrets.token_hex(4)}"
            WorkerMetrics.create(file, settings.workers, COUNTERS)
            settings = replace(settings, readings_file=str(file))
            return stack.enter_context(serve_briefly(settings, tmp_path / "gunicorn.log"))

        yield serve


@dataclass(frozen=True)
class Answer:
    status: int
    headers: HTTPMessage
    text: str

    @property
    def json(self) -> dict:
        return json.loads(self.text)

    @property
    def cache(self) -> str:
        """How the cache answered, by Server-Timing."""
        return self.headers["Server-Timing"].partition("cache;dur=")[2].split('"')[1]


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


class Visitor:
    """A browser at a served application: it has cookies, and a connection for each request."""

    def __init__(self, url: str):
        self._url = url
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(NoRedirects, urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str, **headers: str) -> Answer:
        return self._open(path, None, headers)

    def post(self, path: str, content: bytes, **headers: str) -> Answer:
        return self._open(path, content, headers)

    def login(self, username: str = "user001") -> "Visitor":
        form = urllib.parse.urlencode({"username": username, "password": PASSWORD}).encode()
        assert self.post("/login", form).status == 302
        return self

    def _open(self, path, content, headers):
        request = urllib.request.Request(self._url + path, content, headers)
        try:
            with self._opener.open(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode())


@pytest.fixture
def visit() -> Callable[[Application], Visitor]:
    return lambda served: Visitor(served.url)


class CommandLine:
    """`python -m loadgen` with a data directory of the tests' own."""

    def __init__(self, data: Path, scratch: Path):
        self.data = data
        self._folders = data, scratch
        self._environ = {**os.environ, "TRACETRACK_DATA_DIR": str(data), "TMPDIR": str(scratch)}

    def start(
        self, *arguments: str, before: tuple[str, ...] = (), cwd: Path = REPOSITORY, **environ: str
    ) -> subprocess.Popen:
        """`before` goes in front of the command, which runs in the folder `cwd`; `environ` into its environment."""
        return subprocess.Popen(
            [*before, sys.executable, "-m", "loadgen", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**self._environ, **environ},
        )

    def run(self, *arguments: str, timeout: float = 60, **more) -> subprocess.CompletedProcess:
        with self.start(*arguments, **more) as process:
            try:
                output, errors = process.communicate(timeout=timeout)
            finally:
                process.kill()
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def refuse(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess:
        """As `run`, but within this process, which has all imported: for a command that fails before it starts any."""
        output, errors, on_sigterm = io.StringIO(), io.StringIO(), signal.getsignal(signal.SIGTERM)
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
            patch.setattr(sys, "argv", ["loadgen", *arguments])
            for name, value in (self._environ | environ).items():
                patch.setenv(name, value)
            try:
                with pytest.raises(SystemExit) as ended:
                    loadgen_command.command()
            finally:
                signal.signal(signal.SIGTERM, on_sigterm)
                deadlines.install(False)
        return subprocess.CompletedProcess(arguments, ended.value.code, output.getvalue(), errors.getvalue())

    def processes(self) -> list[str]:
        """Every living process of a command: by its environment, or where PostgreSQL or Valkey wrote its title over
        that, by its folder."""
        found = []
        for process in psutil.process_iter():
            try:
                own = process.environ().get("TRACETRACK_DATA_DIR") == str(self.data)
                if own or any(Path(process.cwd()).is_relative_to(folder) for folder in self._folders):
                    found.append(f"{process.pid} {' '.join(process.cmdline())}")
            except (psutil.Error, OSError):
                continue
        return found

    def runs(self) -> set[Path]:
        return set((self.data / "runs" / "single-runs").glob("*"))

    def streams(self, before: set[Path], number: int = 1) -> list[Path]:
        """The streams of the run that was not there before, once so many processes have written rows to theirs."""
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            found = [path for run in self.runs() - before for path in run.glob(STREAMS) if any(read_stream(path))]
            if len(found) == number:
                return sorted(found)
            time.sleep(0.05)
        raise AssertionError("no rows")


@pytest.fixture(scope="session")
def command(tmp_path_factory) -> CommandLine:
    """One data directory for all tests: its cluster and templates are built once."""
    data = tmp_path_factory.mktemp("data")
    with services.database_server(data / "postgres", 100) as server:
        save_disk_writes(server)
    return CommandLine(data, tmp_path_factory.mktemp("scratch"))


@pytest.fixture
def own_command(tmp_path) -> CommandLine:
    """A data directory of the test's own, with nothing in it."""
    (tmp_path / "data").mkdir()
    return CommandLine(tmp_path / "data", tmp_path)


@dataclass
class Mount:
    """A command in front of another that gives it a file system of its own at a folder, seen by nobody else."""

    unshare: list[str]

    def before(self, folder: Path | str, options: str) -> tuple[str, ...]:
        script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
        return (*self.unshare, "sh", "-c", script, "sh", options, str(folder))


@pytest.fixture(scope="module")
def mount() -> Mount:
    private = Mount(["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"])
    try:
        subprocess.run([*private.before("/mnt", "size=1m"), "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine allows no private mounts")
    return private

"""The load generator of a run: Locust in processes of its own, one or a master with workers."""

import errno
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from workbench.errors import UserError
from workbench.polling import attempts

from . import run_folder, stop_request
from .fork_client import ForkServer, serving
from .generator import recorder
from .generator.interface import ABORTED, REFUSED
from .scenarios import Scenario
from .services import free_port
from .stop_request import StoppedByHand
from .subprocesses import EXCEPTION, Child, start

GENERATOR = Path(__file__).with_name("generator")
WORKERS_CONNECT_S = 30
LOCUST_PREFIX = "LOCUST_"
START_SIGNAL = "generator-start"  # the file whose appearance releases the users
# gevent reads them when it is imported.
GEVENT = {
    "GEVENT_RESOLVER": "block",  # the host is a number: nothing to wait for, and no thread for each connection
    "GEVENT_BACKEND": "select",  # its timers are exact to microseconds, and epoll's late by half a millisecond
}


class Refused(UserError):
    """A locustfile means something that the scenario cannot keep; nothing was sent."""


@dataclass(frozen=True)
class Load:
    """The load to send: a scenario, by `processes` of Locust, from a seed.

    The user classes come from `locustfile`; None takes those of the scenario. `rows` are the dataset's, by table; the
    user classes of TraceTrack draw existing ids from them. `tags` and `without_tags` choose among the tasks as Locust's
    `--tags` and `--exclude-tags` do. `tls` says how certificates are checked, see `generator.config`. `run_token` is
    the application's; an empty one leaves that of this command's environment. `session_lifetimes_s` are those of the
    application's sessions: without a request, and in all. `success` says what counts as one by endpoint, see
    `generator.success_rules`.
    """

    scenario: Scenario
    seed: int
    rows: Mapping[str, int]
    processes: int = 1
    locustfile: Path | None = None
    tags: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    tls: str = ""
    run_token: str = field(default="", repr=False)
    session_lifetimes_s: tuple[int, int] | None = None
    success: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def user_classes(self) -> Path:
        """The locustfile with the user classes."""
        return self.locustfile or GENERATOR / f"{self.scenario.user_classes}_users.py"

    def options(self) -> list[str]:
        """The options that every process of Locust has in common.

        They lack the URL, which may have a password: every user of the machine can read a command line.
        """
        return [
            "--exit-code-on-error", "0", "--loglevel", "WARNING",
            *(["--tags", *self.tags] if self.tags else []),
            *(["--exclude-tags", *self.without_tags] if self.without_tags else []),
        ]  # fmt: skip

    def spawning_options(self) -> list[str]:
        """The options of the process that spawns the users: the single one, or the master."""
        users = str(self.scenario.users)
        spawned = [] if self.scenario.kind == "shape" else ["--users", users, "--spawn-rate", users]
        return ["--headless", *spawned, "--only-summary"]

    def environ(self, directory: Path, started_ns: int, url: str = "") -> dict[str, str]:
        """The environment variables that `loadgen.generator.config` reads, and those of gevent."""
        return {
            "LOCUST_HOST": url,
            "TRACETRACK_WORD": str(directory / START_SIGNAL),
            "TRACETRACK_RUN_DIRECTORY": str(directory),
            "TRACETRACK_RUN_STARTED_NS": str(started_ns),
            "TRACETRACK_SCENARIO": json.dumps(self.scenario.record()),
            "TRACETRACK_SEED": str(self.seed),
            "TRACETRACK_ROWS": json.dumps(dict(self.rows)),
            "TRACETRACK_URL": url,
            "TRACETRACK_USER_CLASSES": str(self.user_classes),
            "TRACETRACK_TLS": self.tls,
            "TRACETRACK_SESSION_LIFETIMES": json.dumps(self.session_lifetimes_s),
            "TRACETRACK_SUCCESS": json.dumps(self.success),
            **({"TRACETRACK_RUN_TOKEN": self.run_token} if self.run_token else {}),
            **GEVENT,
        }


def ignored_settings(directory: Path) -> list[str]:
    """Settings of Locust that have no effect, as the scenario decides: variables, and files here or at home."""
    variables = sorted(name for name in os.environ if name.startswith(LOCUST_PREFIX))
    files = [path for path in (directory / "locust.conf", Path.home() / ".locust.conf") if path.exists()]
    return [*variables, *map(str, files)]


@dataclass(frozen=True)
class Generator:
    """The running load generator: `senders` by process number, and the master if there is one.

    `started_ns` is the instant of the monotonic clock from which the times of the run count.
    """

    load: Load
    senders: tuple[Child, ...]
    master: Child | None
    directory: Path
    started_ns: int

    def release_users(self) -> None:
        """Give the start signal; the users start as soon as the generator is up."""
        (self.directory / START_SIGNAL).touch()

    def roles(self) -> dict[str, int]:
        """Process ids by role; a single sender is the `generator`."""
        if self.master is None:
            return {"generator": self.senders[0].pid}
        numbered = {f"generator-{number}": child.pid for number, child in enumerate(self.senders)}
        return numbered | {"generator-master": self.master.pid}

    def wait(self, check: Callable[[], None]) -> None:
        """Wait until the generator has ended by itself; `check` is called ten times a second and raises on trouble.

        Raises `UserError` for a process that failed, for a run whose folder is gone, and after the longest time that
        the load may take; `StoppedByHand` where the run was asked to stop.
        """
        limit_s = _time_limit_s(self.load.scenario)
        for _ in attempts(limit_s, 0.0):
            if self.ended(0.1):
                return
            run_folder.require_present(self.directory)
            self._obey_request()
            check()
        raise UserError(f"the run did not end within {limit_s:.0f} s and was stopped")

    def _obey_request(self) -> None:
        """Raise `StoppedByHand` if the run was asked to stop; the load ends before what serves it."""
        try:
            stop_request.obey_run(self.directory)
        except StoppedByHand:
            self.stop()
            raise

    def stop(self) -> None:
        """End the load before its time: nothing is sent any more."""
        for child in (*self.senders, *filter(None, [self.master])):
            child.stop()

    def ended(self, timeout_s: float) -> bool:
        """Return whether all processes end by themselves within the time. Raises `UserError` for one that failed."""
        leader = self.master or self.senders[0]
        over = leader.wait(timeout_s)
        for number, sender in enumerate(self.senders):
            if sender.ended() and not self._has_done(number):
                self._raise_failure(sender)
        if self.master and self.master.ended() and not any(sender.ended() for sender in self.senders):
            self._raise_failure(self.master)
        return over and all(child.wait(timeout_s) for child in self.senders)

    def _has_done(self, number: int) -> bool:
        """Return whether a sender ended after its users were done, or as the locustfile stopped the load.

        Its exit code does not show it: Locust exits with 0 on a signal, and a locustfile may choose its own.
        """
        path = self.directory / f"generator-{number}.json"
        summary = json.loads(path.read_text() or "{}") if path.exists() else {}
        return bool(summary.get("done") or summary.get("stopped_by_locustfile")) and not self._text(ABORTED)

    def _text(self, name: str) -> str:
        path = self.directory / name
        return path.read_text() if path.exists() else ""

    def _raise_failure(self, child: Child) -> NoReturn:
        child.wait(1.0)
        if refusal := self._text(REFUSED):
            raise Refused(refusal)
        reported = self._text(ABORTED)
        if reported.startswith(recorder.NOT_WRITTEN) or self._cannot_write():
            raise UserError(
                f"{reported or recorder.NOT_WRITTEN}\nFree some space, or set TRACETRACK_DATA_DIR to a larger disk."
            )
        if reported:
            raise UserError(f"{reported}: {last_error(child)}\nThe log of Locust is {child.log}")
        code = child.process.returncode
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}" if code else "was ended"
        lost = f"what it sent in its last {recorder.FLUSH_EVERY_S} s is lost" if code < 0 else last_error(child)
        raise UserError(f"{child.name} (id {child.pid}) {how} {self._when()}: {lost}\nIts log is {child.log}")

    def _when(self) -> str:
        return "in mid-run" if (self.directory / START_SIGNAL).exists() else "before the load"

    def _cannot_write(self) -> bool:
        """Return whether the disk is full: the generator could then not even write why it ended."""
        try:
            with tempfile.TemporaryFile(dir=self.directory) as file:
                file.write(bytes(4096))
                file.flush()
        except OSError as error:
            return error.errno in (errno.ENOSPC, errno.EDQUOT)
        return False


def last_error(child: Child) -> str:
    """The error in the log of Locust: one that it logged, or the end of a traceback, or the last line."""
    lines = child.log.read_text(errors="replace").splitlines() if child.log.exists() else []
    if any("No User class found" in line for line in lines):
        return "the locustfile has no class of users"
    errors = [line.partition("/ERROR/")[2].partition(": ")[2].strip() for line in lines if "/ERROR/" in line]
    logged = [error for error in errors if not error.endswith(":")]  # a traceback follows
    raised = [line for line in lines if EXCEPTION.match(line)]
    return next((messages[0] for messages in (logged, raised) if messages), child.last_line())


def _time_limit_s(scenario: Scenario) -> float:
    """Seconds after which a load that has not ended is stopped."""
    return 900.0 + scenario.warmup_s + scenario.duration_s


def locust_variables() -> list[str]:
    """The variables of Locust in this command's environment, which no generator gets: the scenario decides."""
    return [name for name in os.environ if name.startswith(LOCUST_PREFIX)]


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """Run a server for the block from which generators of one process can be forked."""
    with serving(GEVENT, locust_variables()) as server:
        yield server


@contextmanager
def generator(load: Load, url: str, directory: Path, forks: ForkServer | None = None) -> Iterator[Generator]:
    """Run Locust for the block, and stop all of its processes at the end of it.

    The processes start at once, in parallel with the application, and send nothing before `release_users`. With `forks`
    a single process is forked from that server, for the workbench's own user classes; any other is started anew.
    """
    started_ns = time.monotonic_ns()
    environ = load.environ(directory, started_ns, url)
    without = locust_variables()
    is_forked = forks and load.processes == 1 and load.locustfile is None
    with ExitStack() as stack:
        stack.callback((directory / START_SIGNAL).unlink, missing_ok=True)

        def launch(name: str, log: str, options: list[str], number: int) -> Child:
            numbered = environ | {"TRACETRACK_PROCESS": f"{number}/{load.processes}"}
            if forks and is_forked:
                return stack.enter_context(forks.start(name, options, directory / log, numbered, without))
            command = [sys.executable, "-m", "loadgen.generator", *options]
            return stack.enter_context(start(name, command, directory / log, numbered, without=without))

        senders, master = _single(load, launch) if load.processes == 1 else _distributed(load, launch)
        yield Generator(load, senders, master, directory, started_ns)


Launch = Callable[[str, str, list[str], int], Child]


def _single(load: Load, launch: Launch) -> tuple[tuple[Child, ...], None]:
    """One process that spawns the users and sends."""
    return (launch("Locust", "locust.log", [*load.options(), *load.spawning_options()], 0),), None


def _distributed(load: Load, launch: Launch) -> tuple[tuple[Child, ...], Child]:
    """Workers that send, and a master that spawns the users."""
    port = str(free_port())
    master_options = [
        "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port,
        "--expect-workers", str(load.processes), "--expect-workers-max-wait", str(WORKERS_CONNECT_S),
    ]  # fmt: skip
    options = load.options()
    leading = [*options, *load.spawning_options(), *master_options]
    master = launch("the master of Locust", "locust.log", leading, load.processes)
    joining = [*options, "--worker", "--master-host", "127.0.0.1", "--master-port", port]
    senders = tuple(
        launch(f"process {number + 1} of the {load.processes} of Locust", f"locust-{number}.log", joining, number)
        for number in range(load.processes)
    )
    return senders, master

"""The load generator of a run: Locust in processes of its own, one or a master with workers."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from workbench.errors import UserError
from workbench.polling import attempts

from .generator import recorder
from .scenarios import Scenario
from .services import free_port
from .subprocesses import Child, start

GENERATOR = Path(__file__).with_name("generator")
DRIVER = GENERATOR / "driver.py"
WORKERS_CONNECT_S = 30
START_SIGNAL = "generator-start"  # the file whose appearance releases the users
EXCEPTION = re.compile(r"[A-Za-z_.]*(?:Error|Exception)\b")


@dataclass(frozen=True)
class Load:
    """The load to send: a scenario, by `processes` of Locust, from a seed.

    The user classes come from `locustfile`; None takes those of the scenario. `rows` are the dataset's, by table; the
    user classes of TraceTrack draw existing ids from them.
    """

    scenario: Scenario
    seed: int
    rows: Mapping[str, int]
    processes: int = 1
    locustfile: Path | None = None

    @property
    def user_classes(self) -> Path:
        """The locustfile with the user classes."""
        return self.locustfile or GENERATOR / f"{self.scenario.user_classes}_users.py"

    def command(self) -> list[str]:
        """The command line that every process of Locust has in common.

        It lacks the URL, which may have a password: every user of the machine can read a command line.
        """
        return [
            sys.executable, "-m", "locust", "-f", f"{DRIVER},{self.user_classes}",
            "--exit-code-on-error", "0", "--loglevel", "WARNING",
        ]  # fmt: skip

    def spawning_options(self) -> list[str]:
        """The options of the process that spawns the users: the single one, or the master."""
        users = str(self.scenario.users)
        return ["--headless", "--users", users, "--spawn-rate", users, "--only-summary"]

    def environ(self, url: str, directory: Path, started_ns: int) -> dict[str, str]:
        """The environment variables that `loadgen.generator.config` reads, Locust's own, and those of gevent."""
        return {
            "LOCUST_HOST": url,
            "TRACETRACK_WORD": str(directory / START_SIGNAL),
            "TRACETRACK_RUN_DIRECTORY": str(directory),
            "TRACETRACK_RUN_STARTED_NS": str(started_ns),
            "TRACETRACK_SCENARIO": json.dumps(self.scenario.record()),
            "TRACETRACK_SEED": str(self.seed),
            "TRACETRACK_ROWS": json.dumps(dict(self.rows)),
            "GEVENT_RESOLVER": "block",  # the host is a number: nothing to wait for, and no thread for each connection
            "GEVENT_BACKEND": "select",  # its timers are exact to microseconds, and epoll's late by half a millisecond
        }


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

        Raises `UserError` for a process that failed, and after the longest time that the load may take.
        """
        limit_s = _time_limit_s(self.load.scenario)
        for _ in attempts(limit_s, 0.0):
            if self.ended(0.1):
                return
            check()
        raise UserError(f"the run did not end within {limit_s:.0f} s and was stopped")

    def ended(self, timeout_s: float) -> bool:
        """Return whether all processes end by themselves within the time. Raises `UserError` for one that failed."""
        leader = self.master or self.senders[0]
        over = leader.wait(timeout_s)
        for number, child in enumerate((*self.senders, *([self.master] if self.master else []))):
            if child.ended() and (child.process.returncode != 0 or self._was_cut_short(number)):
                self._raise_failure(child)
        return over and all(child.wait(timeout_s) for child in self.senders)

    def _was_cut_short(self, number: int) -> bool:
        """Return whether a sender ended before its users were done: Locust exits with 0 on a signal."""
        path = self.directory / f"generator-{number}.json"
        summary = path.read_text() if path.exists() else ""
        return number < len(self.senders) and not (summary and json.loads(summary).get("done"))

    def _raise_failure(self, child: Child) -> NoReturn:
        file = self.directory / "generator-error.txt"
        reported = file.read_text() if file.exists() else ""
        if child.process.returncode == recorder.EXIT_WRITE_FAILED:
            _raise_write_failure(child, reported or recorder.NOT_WRITTEN)
        if reported:
            raise UserError(f"{reported}: {_last_error(child)}\nThe log of Locust is {child.log}")
        code = child.process.returncode
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}" if code else "was ended"
        lost = f"what it sent in its last {recorder.FLUSH_EVERY_S} s is lost" if code < 0 else _last_error(child)
        raise UserError(f"{child.name} (id {child.pid}) {how} in mid-run: {lost}\nIts log is {child.log}")


def _raise_write_failure(child: Child, reason: str) -> NoReturn:
    if reason.startswith(recorder.NOT_WRITTEN):
        raise UserError(f"{reason}\nFree some space, or set TRACETRACK_DATA_DIR to a larger disk.")
    raise UserError(f"{reason}\nThe log of Locust is {child.log}")


def _last_error(child: Child) -> str:
    """The error in the log of Locust: one that it logged, or the end of a traceback, or the last line."""
    lines = child.log.read_text(errors="replace").splitlines() if child.log.exists() else []
    if any("load_locustfile_pytest" in line for line in lines):  # it looks for pytest's tests where it finds no users
        return "the locustfile has no class of users"
    logged = [line.partition("/ERROR/")[2].partition(": ")[2] for line in lines if "/ERROR/" in line]
    raised = [line for line in lines if EXCEPTION.match(line)]
    return next((messages[0] for messages in (logged, raised) if messages), child.last_line())


def _time_limit_s(scenario: Scenario) -> float:
    """Seconds after which a load that has not ended is stopped."""
    return 900.0 + scenario.warmup_s + scenario.duration_s


@contextmanager
def generator(load: Load, url: str, directory: Path) -> Iterator[Generator]:
    """Run Locust for the block, and stop all of its processes at the end of it.

    The processes start at once, in parallel with the application, and send nothing before `release_users`.
    """
    started_ns = time.monotonic_ns()
    environ = load.environ(url, directory, started_ns)
    with ExitStack() as stack:
        stack.callback((directory / START_SIGNAL).unlink, missing_ok=True)

        def launch(name: str, log: str, command: list[str], number: int) -> Child:
            numbered = environ | {"TRACETRACK_PROCESS": f"{number}/{load.processes}"}
            return stack.enter_context(start(name, command, directory / log, numbered))

        senders, master = _single(load, launch) if load.processes == 1 else _distributed(load, launch)
        yield Generator(load, senders, master, directory, started_ns)


Launch = Callable[[str, str, list[str], int], Child]


def _single(load: Load, launch: Launch) -> tuple[tuple[Child, ...], None]:
    """One process that spawns the users and sends."""
    return (launch("Locust", "locust.log", [*load.command(), *load.spawning_options()], 0),), None


def _distributed(load: Load, launch: Launch) -> tuple[tuple[Child, ...], Child]:
    """Workers that send, and a master that spawns the users."""
    port = str(free_port())
    master_options = [
        "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port,
        "--expect-workers", str(load.processes), "--expect-workers-max-wait", str(WORKERS_CONNECT_S),
    ]  # fmt: skip
    command = load.command()
    leading = [*command, *load.spawning_options(), *master_options]
    master = launch("the master of Locust", "locust.log", leading, load.processes)
    joining = [*command, "--worker", "--master-host", "127.0.0.1", "--master-port", port]
    senders = tuple(
        launch(f"process {number + 1} of the {load.processes} of Locust", f"locust-{number}.log", joining, number)
        for number in range(load.processes)
    )
    return senders, master

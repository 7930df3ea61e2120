"""The load generator of a run: Locust, in one process or as a master with workers, and what it told at its end."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from workbench.errors import UserError

from .generator import recorder
from .scenarios import Scenario
from .services import free_port
from .subprocesses import Child, start

GENERATOR = Path(__file__).with_name("generator")
DRIVER = GENERATOR / "driver.py"
WORKERS_CONNECT_S = 30
WORD = "generator-word"
RAISED = re.compile(r"[A-Za-z_.]*(?:Error|Exception)\b")


@dataclass(frozen=True)
class Load:
    """What is sent: a scenario by so many processes, from a seed, by the users of a locustfile (None: the scenario's).

    `rows` are the dataset's, by table; the users of TraceTrack draw existing ids from them.
    """

    scenario: Scenario
    seed: int
    rows: Mapping[str, int]
    processes: int = 1
    locustfile: Path | None = None

    @property
    def user_classes(self) -> Path:
        return self.locustfile or GENERATOR / f"{self.scenario.user_classes}_users.py"

    def command(self, url: str) -> list[str]:
        """What every process of Locust is started with."""
        return [
            sys.executable, "-m", "locust", "-f", f"{DRIVER},{self.user_classes}", "--host", url,
            "--exit-code-on-error", "0", "--loglevel", "WARNING",
        ]  # fmt: skip

    def in_charge(self) -> list[str]:
        """What the process gets beside it that lets the users come: the only one, or the master."""
        users = str(self.scenario.users)
        return ["--headless", "--users", users, "--spawn-rate", users, "--only-summary"]

    def environ(self, directory: Path, started_ns: int) -> dict[str, str]:
        return {
            "TRACETRACK_WORD": str(directory / WORD),
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
    """The processes that send: `senders` in their order, and the master if there is one.

    `started_ns` is the instant of the monotonic clock from which the times of the run count.
    """

    load: Load
    senders: tuple[Child, ...]
    master: Child | None
    directory: Path
    started_ns: int

    def let_go(self) -> None:
        """Let the users come, as soon as the generator has started."""
        (self.directory / WORD).touch()

    def roles(self) -> dict[str, int]:
        """Process ids by role; a single sender is the `generator`."""
        if self.master is None:
            return {"generator": self.senders[0].pid}
        numbered = {f"generator-{number}": child.pid for number, child in enumerate(self.senders)}
        return numbered | {"generator-master": self.master.pid}

    def wait(self, look: Callable[[], None]) -> None:
        """Until it has ended by itself; `look` is called ten times a second and raises where it sees trouble."""
        longest_s = _longest_s(self.load.scenario)
        deadline = time.monotonic() + longest_s
        while not self.ended(0.1):
            look()
            if time.monotonic() > deadline:
                raise UserError(f"the run did not end within {longest_s:.0f} s and was stopped")

    def ended(self, patience_s: float) -> bool:
        """Whether all have ended by themselves within this time. Raises `UserError` for one that failed."""
        head = self.master or self.senders[0]
        over = head.wait(patience_s)
        for number, child in enumerate((*self.senders, *([self.master] if self.master else []))):
            if child.ended() and (child.process.returncode != 0 or self._was_cut_short(number)):
                self._complain(child)
        return over and all(child.wait(patience_s) for child in self.senders)

    def _was_cut_short(self, number):
        """Whether a sender was ended before its users were done: Locust takes a signal for a good end."""
        path = self.directory / f"generator-{number}.json"
        said = path.read_text() if path.exists() else ""
        return number < len(self.senders) and not (said and json.loads(said).get("done"))

    def _complain(self, child):
        code = child.process.returncode
        told = self.directory / "generator-error.txt"
        if code == recorder.WRITE_FAILED:
            reason = (told.read_text() if told.exists() else "") or recorder.NOT_WRITTEN
            if not reason.startswith(recorder.NOT_WRITTEN):
                raise UserError(f"{reason}\nThe log of Locust is {child.log}")
            raise UserError(f"{reason}\nFree some space, or set TRACETRACK_DATA_DIR to a larger disk.")
        if told.exists():
            raise UserError(f"{told.read_text()}: {_said(child)}\nThe log of Locust is {child.log}")
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}" if code else "was ended"
        lost = f"what it sent in its last {recorder.FLUSH_EVERY_S} s is lost" if code < 0 else _said(child)
        raise UserError(f"{child.name} (id {child.pid}) {how} in mid-run: {lost}\nIts log is {child.log}")


def _said(child):
    """What Locust has to complain of: an error that it logged, or the end of a traceback."""
    lines = child.log.read_text(errors="replace").splitlines() if child.log.exists() else []
    if any("load_locustfile_pytest" in line for line in lines):  # it looks for pytest's tests where it finds no users
        return "the locustfile has no class of users"
    logged = [line.partition("/ERROR/")[2].partition(": ")[2] for line in lines if "/ERROR/" in line]
    raised = [line for line in lines if RAISED.match(line)]
    return next((said[0] for said in (logged, raised) if said), child.last_line())


@contextmanager
def generator(load: Load, url: str, directory: Path) -> Iterator[Generator]:
    """Locust for the block, all of it ended at its end. It starts at once, and sends nothing until it is `let_go`."""
    started_ns = time.monotonic_ns()
    command, environ = load.command(url), load.environ(directory, started_ns)
    in_charge = [*command, *load.in_charge()]
    with ExitStack() as stack:
        stack.callback((directory / WORD).unlink, missing_ok=True)

        def begin(name, log, command, number):
            own = environ | {"TRACETRACK_PROCESS": f"{number}/{load.processes}"}
            return stack.enter_context(start(name, command, directory / log, own))

        if load.processes == 1:
            sender = begin("Locust", "locust.log", in_charge, 0)
            yield Generator(load, (sender,), None, directory, started_ns)
            return
        port = str(free_port())
        together = [
            "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port,
            "--expect-workers", str(load.processes), "--expect-workers-max-wait", str(WORKERS_CONNECT_S),
        ]  # fmt: skip
        master = begin("the master of Locust", "locust.log", [*in_charge, *together], load.processes)
        joined = [*command, "--worker", "--master-host", "127.0.0.1", "--master-port", port]
        senders = [
            begin(f"process {number + 1} of the {load.processes} of Locust", f"locust-{number}.log", joined, number)
            for number in range(load.processes)
        ]
        yield Generator(load, tuple(senders), master, directory, started_ns)


def told(directory: Path) -> dict:
    """What the processes of the generator told at their ends, added up; a process that was killed told nothing."""
    paths = sorted(directory.glob("generator-[0-9]*.json"))
    each = [json.loads(text) for path in paths if (text := path.read_text())]
    if not each:
        return {"processes": 0}
    cpu_ms = [one["cpu_ms"] for one in each if one.get("cpu_ms") is not None]
    return {
        "processes": len(each),
        "scheduling": each[0].get("scheduling"),
        "requests": sum(one["requests"] for one in each),
        "rows": sum(one["rows"] for one in each),
        "cpu_ms": sum(cpu_ms) if cpu_ms else None,
        "longest_flush_ms": max(one["longest_flush_ms"] for one in each),
        "longest_flush_cpu_ms": max(one["longest_flush_cpu_ms"] for one in each),
        "most_in_flight": sum(one["most_in_flight"] for one in each),
        "users": _added(one.get("users") for one in each),
        "started_tasks": _added(one.get("started_tasks") for one in each),
        "dropped": _added(one.get("dropped") for one in each),
        "task_errors": _added(one["task_errors"] for one in each),
        "in_flight_marks": [one["in_flight_marks"] for one in each],
    }


def _added(counts: Iterable[Mapping[str, int] | None]) -> dict[str, int] | None:
    """What several processes counted under the same names; None where one did not count it."""
    counts = list(counts)
    if None in counts:
        return None
    return {name: sum(one.get(name, 0) for one in counts) for name in dict.fromkeys(chain(*counts))}


def _longest_s(scenario: Scenario) -> float:
    """Seconds after which a load that has not ended is stopped."""
    return 900.0 + scenario.warmup_s + scenario.duration_s

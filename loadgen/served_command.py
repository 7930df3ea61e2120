"""A command that serves an application: started for one run, and ended after it with all that it started."""

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.declared_arms import COMMAND
from workbench.errors import UserError
from workbench.polling import attempts

from . import arm_reset, readiness
from .arm_commit import ArmCommit
from .arm_reset import GUARD
from .arm_source import ArmSource
from .arm_start import AS_IT_IS, HOST, ArmStart, filled
from .command_guard import GRACE_S, LEFT, NOT_FOUND
from .subprocesses import Child, start

LOG = "command.log"
RUN_TOKEN = "TRACETRACK_RUN_TOKEN"
END_S = 3.0  # that the guard takes beside the grace of the command


@dataclass(frozen=True)
class ServedCommand:
    """The command of an arm, the folder in which it runs, and how it is made ready; `commit` is that of `start`."""

    name: str
    command: str
    folder: Path
    start: ArmStart = AS_IT_IS
    commit: ArmCommit | None = None

    @classmethod
    def of(cls, arm: ArmSource) -> "ServedCommand":
        """The command of an arm. Raises `UserError` where its commit cannot be found."""
        folder, revision = Path(arm.folder), arm.start.commit
        return cls(
            arm.name, arm.value, folder, arm.start, ArmCommit.find(arm.name, folder, revision) if revision else None
        )

    def record(self) -> dict[str, Any]:
        """The source of its runs."""
        at_commit = {"commit": self.commit.commit} if self.commit else {}
        return {
            "kind": COMMAND, "command": self.command, "folder": str(self.folder), **at_commit, **self.start.record(),
        }  # fmt: skip

    def require_startable(self) -> None:
        """Raise `UserError` where there is no such folder or program, before anything is measured."""
        if not self.folder.is_dir():
            raise UserError(f"arm {self.name}: there is no folder {self.folder}")
        path = self.start.environment.get("PATH")
        for words in filter(None, (self.command, self.start.reset)):
            program = filled(shlex.split(words)[0], None)
            if self.commit and "/" in program and not program.startswith("/"):
                continue  # it is in the copy of the commit, which is not unpacked yet
            if shutil.which(str(self.folder / program) if "/" in program else program, path=path) is None:
                raise UserError(f"arm {self.name}: there is no program {program!r}; name one that is on the PATH, or "
                                f"its path{_in_environment(program)}")  # fmt: skip

    def words(self, port: int) -> list[str]:
        """Its words for a port; no shell reads them."""
        return [filled(word, port) for word in shlex.split(self.command)]

    @contextmanager
    def serving(
        self, directory: Path, port: int, run_token: str = "", variables: Mapping[str, str] | None = None
    ) -> Iterator[Child]:
        """Run the command for the block, which begins when it is ready; its log is in the run's directory.

        What resets it runs before. Both have the arm's variables, and these.

        An application that knows the token of the run may send `Server-Timing` to the requests that carry it.

        Raises `UserError` where its reset fails, where it ends early, is never ready, or leaves processes behind.
        """
        of_run = {"PORT": str(port), "HOST": HOST, **({RUN_TOKEN: run_token} if run_token else {})}
        variables = {**self.start.environment, **(variables or {}), **of_run}
        with self.commit.unpacked() if self.commit else nullcontext(self.folder) as folder:
            arm_reset.run(self.name, self.start, port, directory, variables, folder)
            with self._started(directory, port, variables, folder) as child:
                self._wait_until_ready(child, port)
                yield child
                self.require_running(child)
        if child.process.returncode == LEFT:
            raise UserError(f"{child.name} {child.last_line()}\nIts log is {child.log}")

    def _started(self, directory: Path, port: int, variables: dict[str, str], folder: Path) -> Child:
        return start(
            f"the command of arm {self.name}",
            [sys.executable, "-I", "-S", str(GUARD), *self.words(port)],
            directory / LOG,
            variables,
            folder=folder,
            grace_s=GRACE_S + END_S,
        )

    def require_running(self, child: Child, *, was_ready: bool = True) -> None:
        """Raise `UserError` if the command has ended."""
        if not child.ended():
            return
        code = child.process.returncode
        how = "" if code in (LEFT, NOT_FOUND) else f"ended with code {code}: "
        reason = (child.last_error() if how else child.last_line()) or "it printed nothing"
        when = "" if was_ready else " before it was ready"
        remedy = f"; it ended{when}, and has to stay in the foreground" if code == LEFT else ""
        raise UserError(f"{child.name} {how}{reason}{remedy}\nIts log is {child.log}")

    def _wait_until_ready(self, child: Child, port: int) -> None:
        reason, within_s = "", self.start.ready_within_s
        for _ in attempts(within_s, 0.02):
            self.require_running(child, was_ready=False)
            if not (reason := readiness.problem(f"http://{HOST}:{port}", self.start.ready)):
                return
        raise UserError(
            f"{child.name} was not ready on port {port} within {within_s:g} s ({reason}); {self._remedy(port)}\n"
            f"Its log is {child.log}"
        )

    def _remedy(self, port: int) -> str:
        if not readiness.listens(HOST, port):
            return "it has to listen on the port that $PORT names"
        if not self.start.ready:
            return "what listens there has to answer requests of HTTP"
        return f"{self.start.ready} has to answer with 2xx or 3xx: name a path in ready that does"


def _in_environment(program: str) -> str:
    """A hint where the workbench's own environment has the program."""
    is_there = program.isidentifier() and find_spec(program) is not None
    return f"; the workbench has one of its own: $PYTHON -m {program}" if is_there else ""

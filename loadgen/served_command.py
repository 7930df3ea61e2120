"""A command that serves an application: started for one run, and ended after it with all that it started."""

import http.client
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.declared_arms import COMMAND
from workbench.errors import UserError
from workbench.polling import attempts

from .command_guard import GRACE_S, LEFT, NOT_FOUND
from .subprocesses import Child, start

GUARD = Path(__file__).with_name("command_guard.py")
HOST = "127.0.0.1"
LOG = "command.log"
RUN_TOKEN = "TRACETRACK_RUN_TOKEN"
LISTEN_TIMEOUT_S = 30.0
END_S = 3.0  # that the guard takes beside the grace of the command
PORT_PLACE, HOST_PLACE = re.compile(r"\$PORT\b|\$\{PORT\}|\{port\}"), re.compile(r"\$HOST\b|\$\{HOST\}|\{host\}")


@dataclass(frozen=True)
class ServedCommand:
    """The command of an arm, and the folder in which it runs."""

    name: str
    command: str
    folder: Path

    def record(self) -> dict[str, Any]:
        """The source of its runs."""
        return {"kind": COMMAND, "command": self.command, "folder": str(self.folder)}

    def require_startable(self) -> None:
        """Raise `UserError` where there is no such program, before anything is measured."""
        program = shlex.split(self.command)[0]
        if shutil.which(str(self.folder / program) if "/" in program else program) is None:
            raise UserError(f"arm {self.name}: there is no program {program!r}; name one that is on the PATH, or its "
                            "path")  # fmt: skip

    def words(self, port: int) -> list[str]:
        """Its words for a port; no shell reads them."""
        return [HOST_PLACE.sub(HOST, PORT_PLACE.sub(str(port), word)) for word in shlex.split(self.command)]

    @contextmanager
    def serving(self, directory: Path, port: int, run_token: str = "") -> Iterator[Child]:
        """Run the command for the block, which begins when the port answers; its log is in the run's directory.

        An application that knows the token of the run may send `Server-Timing` to the requests that carry it.

        Raises `UserError` where it ends early, never listens, or leaves processes behind.
        """
        child = start(
            f"the command of arm {self.name}",
            [sys.executable, "-I", "-S", str(GUARD), *self.words(port)],
            directory / LOG,
            {"PORT": str(port), "HOST": HOST, **({RUN_TOKEN: run_token} if run_token else {})},
            folder=self.folder,
            grace_s=GRACE_S + END_S,
        )
        with child:
            self._wait_until_listening(child, port)
            yield child
            self.require_running(child)
        if child.process.returncode == LEFT:
            raise UserError(f"{child.name} {child.last_line()}\nIts log is {child.log}")

    def require_running(self, child: Child) -> None:
        """Raise `UserError` if the command has ended."""
        if not child.ended():
            return
        code = child.process.returncode
        how = "" if code in (LEFT, NOT_FOUND) else f"ended with code {code}: "
        raise UserError(f"{child.name} {how}{child.last_line() or 'it printed nothing'}\nIts log is {child.log}")

    def _wait_until_listening(self, child: Child, port: int) -> None:
        reason = ""
        for _ in attempts(LISTEN_TIMEOUT_S, 0.02):
            self.require_running(child)
            if not (reason := _problem(port)):
                return
        raise UserError(
            f"{child.name} did not answer HTTP on port {port} within {LISTEN_TIMEOUT_S:.0f} s ({reason}); it has to "
            f"listen on the port that $PORT names\nIts log is {child.log}"
        )


def _problem(port: int) -> str:
    """Why the port does not answer HTTP; empty if it does, whatever the status."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse()
        return ""
    except http.client.HTTPException as error:
        return f"what answers is not HTTP: {type(error).__name__}"
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    finally:
        connection.close()

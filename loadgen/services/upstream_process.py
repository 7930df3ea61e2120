"""The carrier of a run: a process that answers questions after a set time, see `upstream_server`."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UserError
from workbench.polling import attempts

from ..subprocesses import Child, start

PROGRAM = Path(__file__).with_name("upstream_server.py")
START_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class UpstreamServer:
    """A carrier that is up: its process, its URL, and the time (ms) after which it answers."""

    child: Child
    url: str
    answer_ms: float

    def readings(self) -> dict[str, float]:
        """Its `answer_ms`, how many `requests` it got, and the `most_at_once`. Raises `UserError` without an answer."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/counts", timeout=ANSWER_TIMEOUT_S) as response:
                return {"answer_ms": self.answer_ms, **json.load(response)}
        except (OSError, ValueError) as error:
            raise UserError(f"the carrier of the run does not answer: {error}\nIts log is {self.child.log}") from None


@contextmanager
def upstream_server(answer_ms: float, log: Path) -> Iterator[UpstreamServer]:
    """Run a carrier for the block, on a free port of 127.0.0.1. Raises `UserError` if it does not start."""
    command = [sys.executable, "-I", str(PROGRAM), str(answer_ms)]
    with start("carrier", command, log) as child:
        yield UpstreamServer(child, f"http://127.0.0.1:{_port(child)}", answer_ms)


def _port(child: Child) -> int:
    """The port that it has printed."""
    for _ in attempts(START_TIMEOUT_S, 0.01):
        _, announced, port = child.last_line().partition(f"process {child.pid} listens on ")
        if announced:
            return int(port)
        if child.ended():
            break
    raise UserError(f"the carrier did not start: {child.last_line() or 'it printed nothing'}\nIts log is {child.log}")

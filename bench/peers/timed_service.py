"""The timed server as a process of its own, for the time of a block."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadgen.subprocesses import start
from workbench.errors import UserError
from workbench.paths import REPOSITORY
from workbench.polling import attempts

from .placement import pinned
from .planned_load import PlannedLoad
from .timed_server import PORT, SERVED

START_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class TimedService:
    """The running server; what it served is known after its end."""

    url: str
    folder: Path

    def late_s(self) -> list[float]:
        """By how much it answered each request later than planned, in the order of arrival."""
        return json.loads((self.folder / SERVED).read_text())["late_s"]


@contextmanager
def timed_service(load: PlannedLoad, folder: Path, core: int) -> Iterator[TimedService]:
    """Serve a planned load on one core for the block. Raises `UserError` if the server does not start."""
    command = [
        sys.executable, "-m", "bench.peers.timed_server", str(folder), f"--rate={load.rate_rps}",
        f"--duration={load.duration_s}", *([] if load.stall_at_s is None else [f"--stall-at={load.stall_at_s}"]),
    ]  # fmt: skip
    log, port = folder / "timed-server.log", folder / PORT
    with start("the timed server", command, log, folder=REPOSITORY, prepare=pinned(core)) as child:
        for _ in attempts(START_TIMEOUT_S, 0.02):
            if port.exists() or child.ended():
                break
        if not port.exists():
            raise UserError(f"the timed server did not start: {child.last_line() or 'it printed nothing'}")
        yield TimedService(f"http://127.0.0.1:{port.read_text()}", folder)

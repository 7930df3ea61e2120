"""The processes of Locust that a worker runs for a load, and the files that they leave."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import host_secret, locust_runner
from ..collectors.process_reader import ProcessReader
from ..generator.interface import ABORTED, HOSTS, INSECURE, OFFSET, REFUSED
from ..generator.recorder import FLUSH_EVERY_S
from ..locust_runner import Load
from ..scenarios import Scenario
from ..subprocesses import Child, start
from . import joined_host
from .sent_files import SentFiles

OWN_VARIABLES = ("TRACETRACK_WORD", "TRACETRACK_RUN_TOKEN")  # those of this command are not the run's


def load_fields(load: Load, ca: str) -> dict[str, Any]:
    """A load as a worker gets it: all but its locustfile, and the text of the certificate authority in `ca`."""
    return {
        "scenario": load.scenario.record(),
        "seed": load.seed,
        "rows": dict(load.rows),
        "processes": load.processes,
        "tags": load.tags,
        "without_tags": load.without_tags,
        "tls": "" if ca else load.tls,
        "ca": ca,
        "run_token": load.run_token,
        "session_lifetimes_s": load.session_lifetimes_s,
        "success": dict(load.success),
    }


def load_of(fields: Mapping[str, Any], locustfile: Path | None, directory: Path) -> Load:
    """The load of a message; the file of the certificate authority is in the directory."""
    ca = directory / "ca.pem"
    if fields["ca"]:
        ca.write_text(fields["ca"])
    return Load(
        scenario=Scenario.from_record(fields["scenario"]),
        seed=fields["seed"],
        rows=fields["rows"],
        processes=fields["processes"],
        locustfile=locustfile,
        tags=tuple(fields["tags"]),
        without_tags=tuple(fields["without_tags"]),
        tls=str(ca) if fields["ca"] else INSECURE if fields["tls"] == INSECURE else "",
        run_token=fields["run_token"],
        session_lifetimes_s=fields["session_lifetimes_s"] and tuple(fields["session_lifetimes_s"]),
        success=fields["success"],
    )


@dataclass(frozen=True)
class Share:
    """The share that a worker has of a load: its `number` among the hosts, and the numbers of its processes of Locust.

    The times of rows count from `started_ns`, on this host's monotonic clock, which is `offset_ns` ahead of the run's.
    """

    number: int
    processes: range
    started_ns: int
    offset_ns: int


class HostProcesses:
    """The running processes by number."""

    def __init__(self, children: Mapping[int, Child], share: Share, directory: Path):
        self._children = children
        self._share = share
        self._directory = directory
        roles = {f"generator-{number}": child.pid for number, child in children.items()}
        self._is_closed = False
        self._reader = ProcessReader(roles, share.started_ns, directory, is_whole=False)

    @property
    def have_ended(self) -> bool:
        return all(child.ended() for child in self._children.values())

    def read(self) -> None:
        """Read the processes when it is due."""
        self._reader.read_when_due()

    def close(self) -> None:
        """Stop all processes, and end the readings."""
        for child in self._children.values():
            child.stop()
        if not self._is_closed:
            self._is_closed = True
            self._reader.close()

    def add_streams(self, files: SentFiles) -> None:
        """Send the rows of each process, while they come."""
        for number, child in self._children.items():
            files.add(self._directory / f"requests-{child.pid}.arrows", joined_host.stream_name(number))

    def add_results(self, files: SentFiles) -> None:
        """Send what the processes left beside their rows, now that they have ended."""
        for number in self._children:
            for name in (joined_host.summary_name(number), joined_host.log_name(number)):
                files.add(self._directory / name, name)
        files.add(self._directory / "process.parquet", joined_host.readings_name(self._share.number))

    @property
    def refusal(self) -> str:
        """Why a scenario cannot keep what the locustfile means; empty if it can."""
        return self._text(REFUSED)

    def failure(self) -> str:
        """What is wrong with a process that ended before its load was over; empty if that is none."""
        if reason := self.refusal or self._text(ABORTED):
            return reason
        for number, child in self._children.items():
            if child.ended() and not self._has_done(number):
                return _failure_text(child)
        return ""

    def _has_done(self, number: int) -> bool:
        summary = json.loads(self._text(joined_host.summary_name(number)) or "{}")
        return bool(summary.get("done") or summary.get("stopped_by_locustfile"))

    def _text(self, name: str) -> str:
        path = self._directory / name
        return path.read_text() if path.exists() else ""


def _failure_text(child: Child) -> str:
    child.wait(1.0)
    code = child.process.returncode
    if code < 0:
        return f"{child.name} (id {child.pid}) was ended by signal {-code}: its last {FLUSH_EVERY_S} s are lost"
    return f"{child.name} (id {child.pid}) ended with code {code}: {locust_runner.last_error(child)}"


@contextmanager
def running(load: Load, share: Share, url: str, master: tuple[str, int], directory: Path) -> Iterator[HostProcesses]:
    """Run the processes of this worker for the block; they join Locust's master at this address."""
    environ = load.environ(directory, share.started_ns, url) | {
        HOSTS: "1",
        OFFSET: str(share.offset_ns),
        host_secret.VARIABLE: os.environ[host_secret.VARIABLE],
    }
    environ.pop("TRACETRACK_WORD")  # the users wait for Locust's master
    without = [*locust_runner.locust_variables(), *OWN_VARIABLES]
    host, port = master
    command = [sys.executable, "-m", "loadgen.generator", *load.options()]
    command += ["--worker", "--master-host", host, "--master-port", str(port)]
    with ExitStack() as stack:
        children = {}
        for number in share.processes:
            name, log = f"process {number + 1} of the {load.processes} of Locust", joined_host.log_name(number)
            numbered = environ | {"TRACETRACK_PROCESS": f"{number}/{load.processes}"}
            child = start(name, command, directory / log, numbered, without=without)
            children[number] = stack.enter_context(child)
        processes = HostProcesses(children, share, directory)
        stack.callback(processes.close)
        yield processes

"""A worker: joins a run, makes its share of the load, and sends the run all that its processes leave."""

import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.errors import UserError
from workbench.paths import data_directory

from .. import load_versions
from ..addresses import is_local_address, resolve
from ..target import Target, Users
from . import host_place, host_processes
from .clock_relation import ClockRelation
from .host_processes import HostProcesses, Share
from .run_channel import RunChannel, RunLost
from .sent_files import SentFiles

TURN_S = 0.1
TARGET_TIMEOUT_S = 5.0
SENDING_S = 60.0  # without anything more that the run confirms, when the load is over
FOLDER = "hosts"  # below the data, for rows until all of them are with the run


class HostWorker:
    """One worker in one run; `report` prints a line."""

    def __init__(self, channel: RunChannel, users: Users, report: Callable[[str], None]):
        self._channel = channel
        self._users = users
        self._report = report
        self._files = SentFiles(channel.send)
        self._has_failed = False
        self._is_released = False  # by the run, as all of the files are there

    def join(self, confirmed: str | None, wait_s: float) -> Target:
        """Join the run, and return its target. Raises `UserError` where that is not confirmed or out of reach."""
        welcome = self._channel.join(
            wait_s,
            self._report,
            name=socket.gethostname(),
            pid=os.getpid(),
            versions=load_versions.versions(),
            locustfile=self._users.digest(),
        ).fields
        target = Target.parse(welcome["url"])
        target.require_confirmed(confirmed)
        require_same_place(target, welcome["place"])
        target.wait_until_up(TARGET_TIMEOUT_S)
        return target

    def work(self, target: Target) -> None:
        """Make the share of the load. Raises `UserError` where the run ends before its time."""
        self._relate_clock("join")
        self._report(f"ready for {target.public()}, by the run at {self._channel.place}")
        begin = self._wait_for_begin()
        clock = self._relate_clock("begin")  # the clocks may have drifted while the run waited for others
        folder = _new_folder()
        try:
            self._make_load(begin, clock, target, folder)
        except RunLost as error:
            raise RunLost(f"{error.message}; the rows of this host are in {folder}") from None
        if not self._is_released:
            raise UserError(f"the run ended without all rows of this host; they are in {folder}")
        shutil.rmtree(folder)
        if self._channel.stopped:
            raise UserError(f"the run ended before its time: {self._channel.stopped}")

    def _relate_clock(self, when: str) -> ClockRelation:
        """Relate the clock of this host to the run's, and let the run know it."""
        clock = self._channel.measure_clock()
        self._channel.send("clock", when=when, **clock._asdict())
        return clock

    def _wait_for_begin(self) -> dict[str, Any]:
        while True:
            message = self._channel.receive(TURN_S)
            self._channel.beat()
            if message and message.kind == "begin":
                return message.fields
            if self._channel.stopped:
                raise RunLost(f"the run ended before its load: {self._channel.stopped}")

    def _make_load(self, begin: dict[str, Any], clock: ClockRelation, target: Target, folder: Path) -> None:
        load = host_processes.load_of(begin["load"], self._users.locustfile, folder)
        started_ns = begin["started_ns"] + clock.offset_ns
        share = Share(begin["number"], range(begin["first"], begin["end"]), started_ns, clock.offset_ns)
        master = (self._channel.host, begin["locust_port"])
        with host_processes.running(load, share, target.url, master, folder) as processes:
            processes.add_streams(self._files)
            while not (processes.have_ended or self._channel.stopped):
                self._turn()
                processes.read()
                self._report_failure(processes)
            processes.close()
            self._report_failure(processes)
        processes.add_results(self._files)
        self._complete()

    def _report_failure(self, processes: HostProcesses) -> None:
        """Report a process that ended before its time, once; the run then stops all hosts."""
        if not (self._has_failed or self._channel.stopped) and (reason := processes.failure()):
            self._has_failed = True
            self._files.send()
            self._channel.send("failed", reason=reason, is_refusal=bool(processes.refusal))

    def _turn(self) -> None:
        """Send what is new, take what has come, and show that this worker is there."""
        self._files.send()
        if message := self._channel.receive(TURN_S):
            if message.kind == "length":
                self._files.confirm(message.fields.get("name"), message.fields.get("length"))
            elif message.kind == "bye":
                self._is_released = True
        self._channel.beat()

    def _complete(self) -> None:
        """Send the rest, and return when the run has all of it, or confirms nothing more."""
        while not self._files.is_confirmed and self._files.idle_s < SENDING_S:
            self._turn()
        if not self._files.is_confirmed:
            return
        self._relate_clock("end")
        self._channel.send("complete", files=self._files.descriptions())
        end_s = time.monotonic() + SENDING_S
        while not self._is_released and time.monotonic() < end_s:
            self._turn()


def require_same_place(target: Target, place: object) -> None:
    """Raise `UserError` where the target's address means another program here than on the host of the run."""
    addresses = resolve(target.host, target.port)
    is_loopback = all(address.startswith("127.") or address == "::1" for address in addresses)
    if is_loopback and all(map(is_local_address, addresses)) and place != host_place.here():
        raise UserError(
            f"the target {target.public()} is another program on each host; name it by an address that all of them "
            "reach: --target http://HOST:PORT of the run"
        )


def _new_folder() -> Path:
    """A new folder for what the processes leave, open to no other account."""
    folder = data_directory() / FOLDER / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder.mkdir(parents=True, mode=0o700)
    return folder

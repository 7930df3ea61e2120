"""Faults of processes: killed, standing still, or out of memory."""

import os
import signal
import sys
from contextlib import suppress

import psutil

from workbench.errors import UserError
from workbench.polling import attempts

from ..subprocesses import Child, start
from .injector import FaultTarget, Injector, process_state

KERNEL = "TRACETRACK_KERNEL"  # the variable with the process id of the kernel, see `kernel_run`
BUSY_S, BUSY_INTERVAL_S = 0.5, 0.001  # a request has a connection for milliseconds
FIRST_VICTIM = "1000"  # oom_score_adj of the process that the kernel is to end first


def first_worker(target: FaultTarget) -> int:
    """The process id of the first worker."""
    workers = target.environment.metrics.read()
    pids = [int(values["pid"]) for _, values in sorted(workers.items()) if values["pid"]]
    if not pids:
        raise UserError("no worker of the application is running")
    return pids[0]


def busy_worker(target: FaultTarget) -> int:
    """The process id of a worker that uses a connection just now; of the first one, if none does for a while."""
    for _ in attempts(BUSY_S, BUSY_INTERVAL_S):
        workers = sorted(target.environment.metrics.read().items())
        if pid := next((values["pid"] for _, values in workers if values["checked_out"] and values["pid"]), 0):
            return int(pid)
    return first_worker(target)


class WorkerKilled(Injector):
    """A worker that has a request ends by SIGKILL."""

    _pid = 0

    def prepare(self) -> None:
        self._pid = busy_worker(self.target)

    def begin(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def end(self) -> None:
        if self._pid and process_state(self._pid):
            self.problem = f"worker {self._pid} did not end"


class WorkerStuck(Injector):
    """A worker that has a request stands still, until its server replaces it."""

    needs_freezer = True
    _pid = 0

    def prepare(self) -> None:
        self._pid = busy_worker(self.target)

    def begin(self) -> None:
        self.freeze(self._pid)

    def end(self) -> None:
        if self._pid:
            self.thaw(self._pid)

    def has_ended_early(self) -> bool:
        """Whether another worker is ready in its place."""
        if psutil.pid_exists(self._pid):
            return False
        workers = self.target.environment.metrics.read().values()
        return sum(values["ready"] for values in workers) >= self.target.environment.settings.workers


class WorkerOutOfMemory(Injector):
    """A process in the group of the application takes memory until the kernel ends the first worker."""

    _ballast: Child | None = None
    _pid = 0

    def begin(self) -> None:
        memory = self.target.environment.memory
        if not memory.group or not memory.limit_mib:
            raise UserError(memory.reason or "the deployment has no memory limit")
        self._pid = first_worker(self.target)
        with open(f"/proc/{self._pid}/oom_score_adj", "w") as file:
            file.write(FIRST_VICTIM)
        kills = memory.group.path / memory.group.version.kills
        command = [sys.executable, "-m", "loadgen.fault_injection.ballast", str(memory.limit_mib), str(kills)]
        log = self.target.directory / "ballast.log"
        with self.target.paused_readings():
            self._ballast = start("ballast", command, log, prepare=memory.join, stop_signal=signal.SIGKILL)

    def end(self) -> None:
        if self._ballast:
            self._ballast.stop()
            if process_state(self._pid):
                self.problem = f"the kernel did not end worker {self._pid}"

    def has_ended_early(self) -> bool:
        return bool(self._ballast and self._ballast.ended())


class StoreFrozen(Injector):
    """Valkey stands still."""

    needs_freezer = True

    def begin(self) -> None:
        if pid := self._pid():
            self.freeze(pid)
        else:
            raise UserError("the deployment has no store of the workbench's own")

    def end(self) -> None:
        if pid := self._pid():
            self.thaw(pid)

    def _pid(self) -> int | None:
        store = self.target.environment.store
        return store.pid if store else None


class GeneratorKilled(Injector):
    """The first process of the load generator ends by SIGKILL."""

    def begin(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.target.generator.senders[0].pid, signal.SIGKILL)


class KernelKilled(Injector):
    """The notebook kernel that started this process ends by SIGKILL."""

    def begin(self) -> None:
        kernel = os.environ.get(KERNEL, "")
        if not kernel:
            raise UserError("no notebook kernel started this run; an experiment starts one")
        if kernel not in {str(parent.pid) for parent in psutil.Process().parents()}:
            raise UserError(f"process {kernel} of {KERNEL} did not start this run")
        os.kill(int(kernel), signal.SIGKILL)

"""Faults of the wall clock."""

import os
import subprocess
import sys
import time

from ..fault_needs import stepped_clock
from .injector import Injector

STEP_S = 3600
TIMEOUT_S = 5.0


class ClockStepped(Injector):
    """The wall clock of the application is an hour ahead, then right again."""

    def begin(self) -> None:
        stepped_clock.step(self.target.directory, STEP_S)

    def end(self) -> None:
        if self._ahead_s() < STEP_S / 2:
            self.problem = "the clock of a process that is started as the application is was not ahead"
        stepped_clock.step(self.target.directory, 0)

    def _ahead_s(self) -> float:
        """How far the clock of a process is ahead that is started as the application was; 0 where it cannot be."""
        command = [sys.executable, "-c", "import time; print(time.time())"]
        environ = {**os.environ, **self.target.environment.environ}
        try:
            with self.target.paused_readings():
                finished = subprocess.run(command, env=environ, capture_output=True, timeout=TIMEOUT_S, check=True)
            return float(finished.stdout) - time.time()
        except (OSError, subprocess.SubprocessError, ValueError):
            return 0.0

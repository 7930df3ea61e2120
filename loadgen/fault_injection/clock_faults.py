"""Faults of the wall clock."""

from ..fault_needs import stepped_clock
from .injector import Injector

STEP_S = 3600


class ClockStepped(Injector):
    """The wall clock of the application is an hour ahead, then right again."""

    def begin(self) -> None:
        stepped_clock.step(self.target.directory, STEP_S)

    def end(self) -> None:
        stepped_clock.step(self.target.directory, 0)

"""The timetable of a run's faults: each begins and ends when it is due, and none outlasts the run."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psutil

from workbench.errors import UserError
from workbench.faults import KINDS

from ..fault_needs.planned_fault import PlannedFault
from ..generator.interface import RELEASED
from ..subprocesses import deferred_signals
from .injector import Injector

PLANNED, IN_FORCE, ENDING, OVER = "planned", "in force", "ending", "over"
RECOVERY_S = 5.0  # after the end of a fault, in which what it took away may still be missing


class _Entry:
    """One fault, and how far it has come."""

    def __init__(self, planned: PlannedFault, injector: Injector):
        self.planned = planned
        self.injector = injector
        self.state = PLANNED
        self.begin_ns: int | None = None
        self.end_ns: int | None = None
        self.reason = ""


class Timetable:
    """Carries out the faults of a run. `advance` is called ten times a second, in the main thread.

    Leaving the block undoes what is in force. `on_change` is called with the record of the faults just before one
    begins, and after it has ended.
    """

    def __init__(
        self,
        planned: tuple[PlannedFault, ...],
        injectors: list[Injector],
        directory: Path,
        started_ns: int,
        on_change: Callable[[list[dict[str, Any]]], None],
    ):
        self._entries = [_Entry(*pair) for pair in zip(planned, injectors, strict=True)]
        self._released_file = directory / RELEASED
        self._started_ns = started_ns
        self._released_ns: int | None = None
        self._on_change = on_change

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        # One that cannot be undone leaves no other in force, and is in the record all the same.
        with deferred_signals(), ExitStack() as stack:
            stack.callback(lambda: self._on_change(self.record()))
            for entry in self._entries:
                if entry.state == IN_FORCE:
                    stack.callback(self._undo, entry)

    def advance(self) -> None:
        """Begin and end what is due."""
        if self._released_ns is None:
            if not self._released_file.exists():
                return
            self._released_ns = int(self._released_file.read_text() or 0) or None
        for entry in self._entries:
            self._advance(entry)

    def concerns(self, what: str) -> bool:
        """Whether a fault of `what` is in force, or has ended just now."""
        recent_ns = time.monotonic_ns() - round(RECOVERY_S * 1e9)
        return any(
            KINDS[entry.planned.name].concerns == what
            and entry.state != PLANNED
            and (entry.end_ns is None or entry.end_ns > recent_ns)
            for entry in self._entries
        )

    def record(self) -> list[dict[str, Any]]:
        """What happened, as the record of the run has it, see `workbench.faults`."""
        return [
            {
                "name": entry.planned.name,
                "begin_us": self._run_us(entry.begin_ns),
                "end_us": self._run_us(entry.end_ns),
                "reason": entry.reason,
            }
            for entry in self._entries
        ]

    def _advance(self, entry: _Entry) -> None:
        assert self._released_ns is not None
        since_s = (time.monotonic_ns() - self._released_ns) / 1e9 - entry.planned.at_s
        if entry.state == PLANNED and since_s >= 0:
            self._begin(entry)
        elif entry.state == IN_FORCE:
            if since_s >= entry.planned.duration_s or entry.injector.has_ended_early():
                self._undo(entry)
            else:
                entry.injector.repeat()
        if entry.state == ENDING and entry.injector.is_over():
            self._close(entry)

    def _begin(self, entry: _Entry) -> None:
        entry.state = IN_FORCE
        try:
            entry.injector.prepare()
            entry.begin_ns = time.monotonic_ns()
            self._on_change(self.record())
            entry.injector.begin()
        except (UserError, OSError, ValueError, psutil.Error) as error:
            entry.injector.end()
            entry.state = OVER
            self._note_problem(entry, error.message if isinstance(error, UserError) else str(error))

    def _undo(self, entry: _Entry) -> None:
        entry.state = ENDING
        entry.injector.end()
        if not entry.planned.duration_s:  # of an instant, what it left behind is not its end
            entry.end_ns = entry.begin_ns
            entry.state = OVER
        if entry.injector.problem:
            self._note_problem(entry, entry.injector.problem)

    def _note_problem(self, entry: _Entry, problem: str) -> None:
        """Record that a fault was not made, and why."""
        entry.begin_ns = entry.end_ns = None
        entry.reason = problem
        self._on_change(self.record())

    def _close(self, entry: _Entry) -> None:
        entry.state = OVER
        if not entry.reason:
            entry.end_ns = time.monotonic_ns()
        self._on_change(self.record())

    def _run_us(self, instant_ns: int | None) -> int | None:
        return None if instant_ns is None else (instant_ns - self._started_ns) // 1000

"""Faults of disks: the one with the session files, and the one that the run is recorded on."""

from pathlib import Path

from ..fault_needs import small_disk
from .injector import Injector


class SessionsFull(Injector):
    """The disk of the session files is full."""

    def begin(self) -> None:
        small_disk.fill(self._folder())

    def end(self) -> None:
        small_disk.empty(self._folder())

    def _folder(self) -> Path:
        return Path(self.target.environment.settings.session_directory)


class RecordingDiskFull(Injector):
    """The disk of the run is full, and stays so until the run has ended."""

    def begin(self) -> None:
        small_disk.fill(self.target.directory)

"""The files of the published sessions, and their folder."""

import fcntl
import os
import re
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from cachelib.file import FileSystemCache

from instrumentation.worker_metrics import Slot

from ..settings import SettingsError
from ..store import StoreUnavailable

PRIVATE, OTHERS = 0o700, 0o077
_IS_OF_SESSIONS = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}|.*\.__wz_cache")


class SessionFiles(FileSystemCache):
    """cachelib's files. Above the threshold each write removes the sessions that expire first, living ones too.

    Removed sessions are counted, except the one that is being written, which exists again afterwards.

    A file that cannot be written or removed raises `StoreUnavailable`, and the old one stays; cachelib alone would
    retry a forbidden one for ten seconds. A damaged file is no session. Writers of all workers take turns, by a lock on
    a file: one that writes what it has read must see that another has removed it.
    """

    def __init__(self, directory: str, threshold: int, slot: Slot):
        self._slot = slot
        self._thread = threading.local()
        self._lock_path = os.path.join(directory, f"lock{self._fs_transaction_suffix}")  # cachelib leaves it alone
        super().__init__(directory, threshold=threshold)
        with self._sole_use():
            pass  # the lock's file exists before a disk is full

    def get(self, key: str) -> Any:
        try:
            return super().get(key)
        except StoreUnavailable:
            raise
        except Exception:  # pickle.load may raise anything
            return None

    def set(self, key: str, value: Any, timeout: int | timedelta | None = None, mgmt_element: bool = False) -> bool:
        if mgmt_element:
            return super().set(key, value, timeout, mgmt_element)
        with self._sole_use():
            return self._write(key, value, timeout)

    def replace(self, key: str, value: Any, timeout: int | timedelta | None = None) -> bool:
        """Write a session that exists; False, and nothing is written, if it does not."""
        with self._sole_use():
            return os.path.exists(self._get_filename(key)) and self._write(key, value, timeout)

    def delete(self, key: str, mgmt_element: bool = False) -> bool:
        if not os.path.lexists(self._path):
            return True
        with self._sole_use():
            if not super().delete(key, mgmt_element):
                raise StoreUnavailable("the session's file could not be removed")
            return True

    def _write(self, key: str, value: Any, timeout: int | timedelta | None) -> bool:
        self._thread.writing = self._get_filename(key)
        if not super().set(key, value, timeout):
            self._slot.count("store_failures")
            self._remove_parts()
            raise StoreUnavailable("the session's file could not be written")
        return True

    def _remove_parts(self) -> None:
        """Remove what was written of a file before the disk was full; no other writer has one, by the lock."""
        for part in Path(self._path).glob(f"{tempfile.gettempprefix()}*{self._fs_transaction_suffix}"):
            with suppress(OSError):
                part.unlink()

    @contextmanager
    def _sole_use(self) -> Iterator[None]:
        """Hold the lock for the block; each use opens the file, as forks and threads would share an open one."""
        try:
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"the lock of the sessions' files: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _remove_older(self) -> bool:
        """Count the files that this worker removes: cachelib's own count is shared with the other workers."""
        existed = os.path.exists(self._thread.writing)
        self._thread.removed = 0
        try:
            return super()._remove_older()
        finally:
            removed, self._thread.removed = self._thread.removed, None
            is_rewritten = existed and not os.path.exists(self._thread.writing)
            self._slot.count("session_evictions", removed - is_rewritten)

    def _update_count(self, delta: int | None = None, value: int | None = None) -> None:
        if delta == -1 and getattr(self._thread, "removed", None) is not None:
            self._thread.removed += 1
        super()._update_count(delta, value)

    def _run_safely(self, fn: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        try:
            return fn(*arguments, **named)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreUnavailable(f"the session's file: {error.strerror}") from error


def make_directory(path: str) -> None:
    """Create the folder of the sessions' files, which only its owner may enter, whatever the umask.

    An existing folder that others may enter is closed to them if it has nothing but sessions. Raises `SettingsError` if
    it has, and if the folder cannot be created.
    """
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(path)
            os.chmod(path, PRIVATE)
        if os.stat(path).st_mode & OTHERS:
            _require_own(path)
            os.chmod(path, PRIVATE)
    except OSError as error:
        raise SettingsError(f"session_directory {path}: {error.strerror}") from None


def _require_own(path: str) -> None:
    """Raise `SettingsError` for a folder with other content than sessions, which others may need."""
    if not all(map(_IS_OF_SESSIONS.fullmatch, os.listdir(path))) or os.stat(path).st_mode & stat.S_ISVTX:
        raise SettingsError(
            f"session_directory {path} is open to other users, who could put sessions there; give it a folder of its "
            f"own, or close it: chmod 700 {path}"
        )

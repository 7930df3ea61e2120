"""The user that PostgreSQL and PgBouncer run as: they refuse root, and in a container root is often the only user.

An ordinary user runs them under their own account. Root runs them as a user of a namespace of its own, which changes no
account and no permission of the machine. Where the kernel forbids that, root runs them as `nobody`.
"""

import ctypes
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from workbench.errors import UserError

CLONE_NEWUSER = 0x10000000
NAMESPACE_USER = 1000
NOBODY = 65534


def prepare_for(directory: Path, programs: Path, name: str = "PostgreSQL") -> Callable[[], None] | None:
    """A function that a child calls before it becomes the server `name`; None where there is nothing to do.

    `directory` and its parent, which are closed to other users, are given to the user that the server will run as.
    Raises `UserError` if that is `nobody`, and `nobody` cannot reach them or the folder of the programs.
    """
    if os.geteuid() != 0:
        return None
    if _namespaces_allowed():
        _give_to(directory, 0)
        return _enter_namespace
    for folder in (directory.parent.parent, programs):
        _require_reachable(folder, name)
    _give_to(directory, NOBODY)
    return _become_nobody


@cache
def _namespaces_allowed() -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            _enter_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def _enter_namespace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NAMESPACE_USER} 0 1")
    Path("/proc/self/gid_map").write_text(f"{NAMESPACE_USER} 0 1")


def _become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _give_to(directory: Path, owner: int) -> None:
    for path in (directory.parent, directory, *directory.rglob("*")):
        if path.lstat().st_uid != owner:
            os.chown(path, owner, owner, follow_symlinks=False)


def _require_reachable(folder: Path, name: str) -> None:
    for parent in (folder, *folder.parents):
        if parent.exists() and not parent.stat().st_mode & 0o001:
            raise UserError(
                f"{name} will not run as root, this machine allows no user namespace, and the account nobody "
                f"cannot enter {parent}\nRun as another user, move the folder, or set DATABASE_URL to your own server."
            )

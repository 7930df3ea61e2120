"""Who PostgreSQL runs as: it refuses root, and a container's root is often all there is.

An ordinary user runs it as themselves. Root runs it as a user of a namespace of its own, which changes no
account and no permission of the machine. Where the kernel forbids that, root runs it as `nobody`.
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


def prepare_for(directory: Path, programs: Path) -> Callable[[], None] | None:
    """What a child must do before it becomes PostgreSQL; `directory` is made its own where needed.

    Raises `UserError` where the account that it falls back to cannot reach the folders.
    """
    if os.geteuid() != 0:
        return None
    if _namespaces_allowed():
        _give(directory, 0)
        return _enter_namespace
    for folder in (directory.parent, programs):
        _require_reachable(folder)
    _give(directory, NOBODY)
    return _become_nobody


@cache
def _namespaces_allowed():
    pid = os.fork()
    if pid == 0:
        try:
            _enter_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def _enter_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NAMESPACE_USER} 0 1")
    Path("/proc/self/gid_map").write_text(f"{NAMESPACE_USER} 0 1")


def _become_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _give(directory, owner):
    for path in (directory, *directory.rglob("*")):
        if path.lstat().st_uid != owner:
            os.chown(path, owner, owner, follow_symlinks=False)


def _require_reachable(folder):
    for parent in (folder, *folder.parents):
        if parent.exists() and not parent.stat().st_mode & 0o001:
            raise UserError(
                f"PostgreSQL will not run as root, this machine allows no user namespace, and the account nobody "
                f"cannot enter {parent}\nRun as another user, move the folder, or set DATABASE_URL to your own server."
            )

"""A process between the workbench and the command of an arm: it ends with the workbench, and all else ends with it.

    python command_guard.py WORD…

It is the parent of every process that the command leaves (a subreaper, see prctl(2)), so none outlives it: on SIGTERM
it ends the process group of the command, waits, and kills what is left. Its exit code is that of a command that ends by
itself, 0 after SIGTERM, and `LEFT` where the command had ended and processes that it started had not.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

PR_SET_CHILD_SUBREAPER = 36
WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
GRACE_S, LEFT_S = 8.0, 1.5  # until a command is killed; until what is left after its end counts as left behind
KILL_S = 2.0  # for killed processes to end: one of another user, as sudo starts it, cannot be killed
INTERVAL_S = 0.02
NOT_FOUND, LEFT = 127, 120


def main(words: list[str]) -> int:
    """Run the command until it ends or a signal comes; return the exit code."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        command = subprocess.Popen(words, start_new_session=True, preexec_fn=_unblock)
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", flush=True)
        return NOT_FOUND
    while signal.sigwait(WATCHED) == signal.SIGCHLD:
        if command.poll() is not None:
            code = _exit_code(command.returncode)
            return _named(left, f"ended with code {code} and ") if (left := _kill_all()) else code
        _reap(command.pid)
    return _stopped(command)


def _exit_code(code: int) -> int:
    """The exit code as a shell shows it: 128 and the number for a signal."""
    return code if code >= 0 else 128 - code


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)


def _stopped(command: "subprocess.Popen[bytes]") -> int:
    """End the command; return the exit code."""
    _signal_group(command.pid, signal.SIGTERM)
    end_s, ended_s = time.monotonic() + GRACE_S, 0.0
    while time.monotonic() < end_s:
        _reap(command.pid)
        if command.poll() is not None:
            ended_s = ended_s or time.monotonic()
            if not _descendants(os.getpid()):
                return 0
            if time.monotonic() > ended_s + LEFT_S:
                return _named(_kill_all())
        time.sleep(INTERVAL_S)
    _kill_all()
    return 0


def _named(left: list[str], ended: str = "") -> int:
    number = f"{len(left)} process{'es' if len(left) > 1 else ''}"
    print(
        f"{ended}left {number} behind, which {'were' if len(left) > 1 else 'was'} killed: {', '.join(left)}", flush=True
    )
    return LEFT


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _kill_all() -> list[str]:
    """Kill all that the command started until nothing is left, or it cannot be; return the names of what there was."""
    names: dict[int, str] = {}
    end_s = time.monotonic() + KILL_S
    while (pids := _descendants(os.getpid())) and time.monotonic() < end_s:
        for pid in pids:
            names.setdefault(pid, _name(pid))
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _reap(0)
        time.sleep(INTERVAL_S)
    return sorted(names.values())


def _reap(command: int) -> None:
    """Collect the exit codes of processes that were left to this one, `command` aside."""
    for pid in _children(os.getpid()):
        if pid != command:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _descendants(pid: int) -> list[int]:
    """All processes that a process started, and those that these did, which have not ended."""
    living = []
    for child in _children(pid):
        living += [*([] if _has_ended(child) else [child]), *_descendants(child)]
    return living


def _has_ended(pid: int) -> bool:
    """True for a process whose exit code alone is left, a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                children += map(int, file.read().split())
    except OSError:  # a thread or the process has ended
        pass
    return children


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm") as file:
            return f"{file.read().strip()} ({pid})"
    except OSError:
        return str(pid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

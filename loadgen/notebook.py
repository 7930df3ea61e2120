"""Starting an experiment from a notebook: in a process of its own, because Locust must never run in a kernel."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

from workbench.interruption import EXIT_INTERRUPTED

from .progress import DESCRIPTOR

KILLED = ", as the kernel does where memory runs out"


def run_experiment(profile: str = "", experiment: str = "", scale: str = "", words: Sequence[str] = ()) -> str:
    """Carry out a profile, or the rest of an interrupted experiment; print its output and return its id.

    `words` are further options of `python -m loadgen experiment`, such as arms in the place of a profile.
    Raises `RuntimeError` with the error of the command, and `KeyboardInterrupt` if a signal ended it. The command ends
    if this process does.
    """
    command = [sys.executable, "-m", "loadgen", "experiment"]
    command += ["--profile", profile] if profile else []
    command += ["--experiment", experiment] if experiment else []
    command += ["--scale", scale] if scale else []
    command += words
    environ = {**os.environ, "TRACETRACK_LAUNCHER": str(os.getpid())}
    inherited = [int(environ[DESCRIPTOR])] if DESCRIPTOR in environ else []
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, pass_fds=inherited
    )
    with process:  # which closes its output
        try:
            lines = list(_printed(process))
        finally:
            if process.poll() is None:
                process.terminate()
    if process.returncode == EXIT_INTERRUPTED:
        raise KeyboardInterrupt(lines[-1].partition(";")[0])
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        raise RuntimeError(f"the measurement was ended by {name}{KILLED if name == 'SIGKILL' else ''}")
    if process.returncode != 0:
        raise RuntimeError(last_error(lines))
    return lines[-1]


def _printed(process: subprocess.Popen[str]) -> Iterator[str]:
    """Print each line of the output as it comes, and yield it."""
    for line in process.stdout or ():
        print(line.rstrip(), flush=True)
        yield line.rstrip()
    process.wait()


def last_error(lines: list[str]) -> str:
    """The last error in the output of a command, with the lines that belong to it."""
    starts = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    return "\n".join(lines[starts[-1] :]).removeprefix("Error: ") if starts else "the measurement failed"

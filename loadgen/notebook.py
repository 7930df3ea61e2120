"""Starting a measurement from a notebook: in a process of its own, because Locust must never be in a kernel."""

import os
import subprocess
import sys

from .progress import DESCRIPTOR


def run_experiment(profile: str = "", experiment: str = "", scale: str = "") -> str:
    """Carry out a profile, or what is left of an experiment, and return its id; its progress lines are printed.

    Raises `RuntimeError` with the lines that say what went wrong. The measurement ends if this process does.
    """
    command = [sys.executable, "-m", "loadgen", "experiment"]
    command += ["--profile", profile] if profile else []
    command += ["--experiment", experiment] if experiment else []
    command += ["--scale", scale] if scale else []
    environ = {**os.environ, "TRACETRACK_LAUNCHER": str(os.getpid())}
    shown = [int(environ[DESCRIPTOR])] if DESCRIPTOR in environ else []
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, pass_fds=shown
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip())
            print(lines[-1], flush=True)
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode != 0:
        said = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
        reason = "\n".join(lines[said[-1] :]).removeprefix("Error: ") if said else "the measurement failed"
        raise RuntimeError(reason)
    return lines[-1]

"""A run whose measurement was started from a notebook kernel that is killed: what ends with the kernel, and what stays.

`execute` starts a real kernel, which starts `python -m loadgen.kernel_run SPEC FOLDER` as the notebook starts a
measurement. That process carries out the run on a PostgreSQL of its own; its fault kills the kernel.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from instrumentation import deadlines
from workbench import seal
from workbench.errors import UserError, reporting_errors
from workbench.faults import KEY
from workbench.paths import data_directory
from workbench.polling import attempts
from workbench.temporary_folder import temporary_folder

from . import deployments, run, services
from .fault_injection.process_faults import KERNEL
from .run_database import RunDatabases
from .run_spec import RunSpec
from .subprocesses import Child, die_with_launcher, start

READY_TIMEOUT_S = 30.0
RUN_TIMEOUT_S = 120.0  # until the kernel is killed
END_TIMEOUT_S = 15.0  # for everything that the kernel started to end after it
# As `loadgen.background` does it for the notebooks.
CELL = """
import os, subprocess, sys
os.environ[{variable!r}] = os.environ["TRACETRACK_LAUNCHER"] = str(os.getpid())
subprocess.Popen([sys.executable, "-m", "loadgen.kernel_run", {spec!r}, {directory!r}], start_new_session=True)
"""


def execute(spec: RunSpec, directory: Path) -> dict[str, Any]:
    """Carry out the run and return its record; the fault has the processes that outlived the kernel as its reason.

    Raises `UserError` if the kernel does not start, or is still there after the longest time that the run may take.
    """
    with temporary_folder("kernel") as folder, _kernel(folder) as (kernel, client):
        code = CELL.format(variable=KERNEL, spec=json.dumps(asdict(spec)), directory=str(directory))
        client.execute(code)
        family: dict[int, psutil.Process] = {}
        for _ in attempts(RUN_TIMEOUT_S, 0.2):
            if kernel.ended():
                break
            family |= {process.pid: process for process in psutil.Process(kernel.pid).children(recursive=True)}
        else:
            raise UserError(f"the kernel was not killed within {RUN_TIMEOUT_S:.0f} s; its log is {kernel.log}")
        left = _left(list(family.values()))
    return _note(directory, left)


@contextmanager
def _kernel(folder: Path) -> Iterator[tuple[Child, BlockingKernelClient]]:
    """A kernel of this interpreter with its client, whose measurements have data and a PostgreSQL of their own."""
    file = str(folder / "connection.json")
    write_connection_file(file)
    environ = {"IPYTHONDIR": str(folder), "TRACETRACK_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", file]
    with start("the kernel", command, folder / "kernel.log", environ) as kernel:
        client = BlockingKernelClient(connection_file=file)
        client.load_connection_file()
        client.start_channels(hb=False)
        try:
            client.kernel_info(reply=True, timeout=READY_TIMEOUT_S)
            yield kernel, client
        except TimeoutError:
            raise UserError(f"the kernel did not start: {kernel.last_line()}") from None
        finally:
            client.stop_channels()


def _left(family: list[psutil.Process]) -> list[str]:
    """The processes that are still there after the longest time; they are killed."""
    _, left = psutil.wait_procs(family, timeout=END_TIMEOUT_S)
    for process in left:
        process.kill()
    return [f"process {process.pid}" for process in left]


def _note(directory: Path, left: list[str]) -> dict[str, Any]:
    """Write what was left behind into the record of the run, and return that."""
    record: dict[str, Any] = json.loads((directory / "run.json").read_text())
    for fault in record.get(KEY) or ():
        if left and fault["begin_us"] is not None:
            fault["reason"] = f"{len(left)} processes outlived the kernel"
    if left:
        seal.write(directory / "run.json", json.dumps(record, indent=2) + "\n")
    return record


def main(spec_text: str, directory: Path) -> None:
    """Carry out the run on a PostgreSQL in the data folder of the kernel."""
    spec = RunSpec(**json.loads(spec_text))
    connections = deployments.settings_for(spec.deployment).max_connections
    with (
        services.database_server(data_directory() / "postgres", connections) as server,
        RunDatabases(server) as databases,
    ):
        run.execute(databases, spec, directory)


if __name__ == "__main__":
    die_with_launcher()
    deadlines.install(True)
    with reporting_errors():
        main(sys.argv[1], Path(sys.argv[2]))

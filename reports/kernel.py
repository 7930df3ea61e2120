"""The kernel of the notebooks: this interpreter, whatever the caller's Jupyter, IPython and Python are set to."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_core.utils import run_sync
from traitlets import Bool, Unicode

from loadgen import progress
from workbench.paths import REPOSITORY
from workbench.temporary_folder import temporary_folder

NAME = "python3"
NOTEBOOKS = REPOSITORY / "notebooks"
ERROR_STREAM = os.dup(2)
# What would put another interpreter, other modules, code or settings of the caller's own in front of the notebook's, or
# leave out its assertions.
FOREIGN = (
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONINSPECT",
    "PYTHONBREAKPOINT", "PYTHONPLATLIBDIR", "MPLBACKEND", "MATPLOTLIBRC",
)  # fmt: skip
FOREIGN_PREFIXES = ("JUPYTER_", "IPYTHON", "PAPERMILL_", "NBCLIENT_")


def specification(*, is_prepared: bool = False) -> KernelSpec:
    """The kernel of this interpreter, with the provisioner that starts a process of this machine.

    One that `is_prepared` imports what the report's notebooks need before it takes the first cell.
    """
    program = ["-P", "-m", "reports.prepared_kernel"] if is_prepared else ["-m", "ipykernel_launcher"]
    return KernelSpec(
        argv=[sys.executable, *program, "-f", "{connection_file}"],
        display_name="Python 3",
        language="python",
        metadata={"kernel_provisioner": {"provisioner_name": "local-provisioner"}},
    )


def environ(folder: Path) -> dict[str, str]:
    """The environment of a kernel: the caller's, without what is foreign; `folder` is that of IPython's own files."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
    }
    return {**kept, "IPYTHONDIR": str(folder), progress.DESCRIPTOR: str(ERROR_STREAM)}


class Kernels(AsyncKernelManager):
    """Kernels of `specification`, whose error stream is a file: one that is ended in mid-cell has no other reader.

    They inherit this command's own error stream as one more descriptor, to show progress on. `folder` is an empty one
    for the files of a kernel.
    """

    error_log = Unicode(config=True)
    folder = Unicode(config=True)
    is_prepared = Bool(False, config=True)

    @property
    def kernel_spec(self) -> KernelSpec:
        return specification(is_prepared=self.is_prepared)

    async def _async_start_kernel(self, **options: Any) -> None:
        self.connection_file = str(Path(self.folder) / "kernel.json")
        with open(self.error_log, "w") as log:
            environment = environ(Path(self.folder))
            await super()._async_start_kernel(stderr=log, env=environment, pass_fds=[ERROR_STREAM], **options)

    start_kernel = _async_start_kernel


@contextmanager
def running(error_log: Path, *, is_prepared: bool = False) -> Iterator[Kernels]:
    """Start a kernel, and end it after the block. Nothing waits for its start before it is used."""
    error_log.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder("kernel") as folder:
        kernels = Kernels(kernel_name=NAME, error_log=str(error_log), folder=str(folder), is_prepared=is_prepared)
        try:
            run_sync(kernels.start_kernel)(cwd=str(NOTEBOOKS))
            yield kernels
        finally:
            run_sync(_end)(kernels)


async def _end(kernels: Kernels) -> None:
    try:
        if await kernels.is_alive():
            # One for a report has nothing to put away, and may be amid its imports.
            await kernels.shutdown_kernel(now=kernels.is_prepared)
    finally:
        await kernels.cleanup_resources()

"""The kernel of the notebooks: this interpreter, whatever the caller's Jupyter, IPython and Python are set to."""

import os
import sys
from pathlib import Path
from typing import Any

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from traitlets import Unicode

from loadgen import progress

NAME = "python3"
ERROR_STREAM = os.dup(2)
# What would put another interpreter, other modules, code or settings of the caller's own in front of the notebook's, or
# leave out its assertions.
FOREIGN = (
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONINSPECT",
    "PYTHONBREAKPOINT", "PYTHONPLATLIBDIR", "MPLBACKEND", "MATPLOTLIBRC",
)  # fmt: skip
FOREIGN_PREFIXES = ("JUPYTER_", "IPYTHON", "PAPERMILL_", "NBCLIENT_")


def specification() -> KernelSpec:
    """The kernel of this interpreter, with the provisioner that starts a process of this machine."""
    return KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
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

    @property
    def kernel_spec(self) -> KernelSpec:
        return specification()

    async def _async_start_kernel(self, **options: Any) -> None:
        self.connection_file = str(Path(self.folder) / "kernel.json")
        with open(self.error_log, "w") as log:
            environment = environ(Path(self.folder))
            await super()._async_start_kernel(stderr=log, env=environment, pass_fds=[ERROR_STREAM], **options)

    start_kernel = _async_start_kernel

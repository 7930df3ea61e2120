"""Execution of a notebook through papermill in this process. A notebook that did not run to its end has failed."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from workbench.errors import UserError
from workbench.interruption import Interrupted

from . import kernel, running_kernel_engine
from .kernel import NOTEBOOKS

# Errors of a cell whose message is meant for the user; any other error is a defect of the notebook and named as one.
EXPECTED_ERRORS = ("UserError", "RecordingError", "RuntimeError")
MAX_CELL_S = 900
PREVIEW = re.compile(r"^-{5,}\n(.*?)\n-{5,}", re.DOTALL | re.MULTILINE)  # of the cell, in nbclient's message


def execute(
    name: str,
    parameters: Mapping[str, str],
    folder: Path,
    max_cell_s: int = MAX_CELL_S,
    kernels: kernel.Kernels | None = None,
) -> Path:
    """Execute a notebook of the project; return the path of its executed copy in the folder.

    `max_cell_s` is how long a cell may run. The kernel is the running one of `kernels`, without the names of the
    notebook before, or one of its own. Raises `UserError`, with the name of the notebook where the fault is its
    own, for a cell that fails, runs longer or ends the notebook early, and for a kernel that dies.
    """
    executed = folder / f"{name}.ipynb"
    folder.mkdir(parents=True, exist_ok=True)
    executed.unlink(missing_ok=True)  # a copy of an earlier execution says nothing of this one
    log = Path(kernels.error_log) if kernels else executed.with_suffix(".log")
    logging.getLogger("papermill").setLevel(logging.ERROR)
    # A signal that ends this process ends the cell's task too. No caller awaits that, and asyncio prints a traceback.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    with (
        _naming_failures(name, executed, log),
        nullcontext(kernels) if kernels else kernel.running(log) as running,
    ):
        papermill.execute_notebook(
            NOTEBOOKS / f"{name}.ipynb",
            executed,
            parameters=dict(parameters),
            kernel_name=kernel.NAME,
            progress_bar=False,
            request_save_on_cell_execute=False,
            engine_name=running_kernel_engine.NAME,
            km=running,
            cwd=NOTEBOOKS,
            execution_timeout=max_cell_s,
        )
    _require_end(name, executed)
    return executed


@contextmanager
def _naming_failures(name: str, executed: Path, log: Path) -> Iterator[None]:
    """Turn what papermill raises in the block into a `UserError` with the name of the notebook."""
    try:
        yield
    except PapermillExecutionError as error:
        if error.ename == "KeyboardInterrupt":
            raise Interrupted(error.evalue or "the kernel was interrupted") from None
        is_expected = error.ename in EXPECTED_ERRORS
        failure = f"{name} failed with {error.ename}: {error.evalue}; its cells are in {executed}"
        raise UserError(error.evalue if is_expected else failure) from None
    except CellTimeoutError as error:
        raise UserError(f"{name} was stopped: {_timeout(str(error))}") from None
    except DeadKernelError:
        raise UserError(
            f"the kernel of {name} ended before the notebook: it was killed, or a cell ended it; its last lines are in "
            f"{log}"
        ) from None
    except RuntimeError as error:
        raise UserError(f"the kernel of {name} did not start: {error}; its last lines are in {log}") from None


def _timeout(message: str) -> str:
    """The limit and the first line of the cell, of nbclient's message about a cell that ran too long."""
    seconds = re.search(r"after (\d+) seconds", message)
    limit = f"longer than {seconds[1]} s" if seconds else "too long"
    preview = PREVIEW.search(message)
    return f"a cell ran {limit}" + (f", the one that begins with {_first_line(preview[1])}" if preview else "")


def _require_end(name: str, executed: Path) -> None:
    """Raise `UserError` unless every cell ran: papermill takes `sys.exit(0)` in a cell for a success."""
    cells = [cell for cell in nbformat.read(executed, as_version=4).cells if cell.cell_type == "code"]
    for cell in cells:
        has_failed = any(output.output_type == "error" for output in cell.outputs)
        has_run = cell.execution_count is not None or not cell.source.strip()
        if has_failed or not has_run:
            raise UserError(
                f"{name} ended early, in the cell that begins with {_first_line(cell.source)}; its cells are in "
                f"{executed}"
            )


def _first_line(source: str) -> str:
    return repr(source.strip().partition("\n")[0][:80])

"""Running the notebooks in this process through papermill, and making the page of the last one."""

import logging
import os
from pathlib import Path

import papermill
from jupyter_client import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets import Unicode
from traitlets.config import Config

from analysis.findings import findings_file
from loadgen import profiles, progress
from loadgen.experiment import new_name, told_how_to_go_on
from workbench.errors import UserError
from workbench.paths import REPOSITORY, runs_directory
from workbench.recording import newest_experiment, open_experiment

from . import views
from .render import render

NOTEBOOKS = REPOSITORY / "notebooks"
HTML = REPOSITORY / "reports" / "html"
PAGE = "optimization-results.html"
ERROR_STREAM = os.dup(2)
# What a person is meant to read of a cell that failed; anything else is a defect of ours, and told as that.
EXPECTED = ("UserError", "RecordingError", "RuntimeError")
ANALYSE_S, RENDER_S = 3.0, 6.0  # what they are expected to take


def measure(profile: str, experiment: str, scale: str, html: Path = HTML) -> str:
    """Run 01-measure; the id of the experiment that it made, or went on with."""
    profiles.find(profile or profiles.DEFAULT)
    experiment = experiment or new_name(profile or profiles.DEFAULT)
    parameters = {"profile": profile, "experiment": experiment, "scale": scale}
    with told_how_to_go_on(experiment):
        _execute("01-measure", parameters, html)
    return experiment


def build(experiment: str, html: Path = HTML) -> Path:
    """Run 02-analyse and 03-report on a stored experiment, the newest if it is empty; the page's path."""
    found = open_experiment(runs_directory() / experiment if experiment else newest_experiment(runs_directory()))
    if not found.is_complete():
        raise UserError(
            f"experiment {found.name} was not completed ({len(found.runs)} of {len(found.record['runs'])} runs begun); "
            f"a report is made of whole ones only, and this one goes on with: make report EXPERIMENT={found.name}"
        )
    parameters = {"experiment": found.name, "findings": str(html / "findings.json")}
    with progress.steps("report", ANALYSE_S + RENDER_S) as shown:
        shown.begin("notebook 2 of 3: analyse", ANALYSE_S)
        _execute("02-analyse", parameters, html)
        shown.begin("notebook 3 of 3: report", RENDER_S)
        render(_execute("03-report", parameters, html), html / PAGE)
        views.write(*findings_file.read(html / "findings.json"), html)
    return html / PAGE


class Kernels(AsyncKernelManager):
    """Kernels whose error stream is a file, as one that is ended in mid-cell has nobody else to complain to.

    They get this command's own error stream as one more descriptor, to show progress on.
    """

    error_log = Unicode(config=True)

    async def _async_start_kernel(self, **options):
        environ = {**os.environ, progress.DESCRIPTOR: str(ERROR_STREAM)}
        with open(self.error_log, "w") as log:
            await super()._async_start_kernel(stderr=log, env=environ, pass_fds=[ERROR_STREAM], **options)

    start_kernel = _async_start_kernel


def _execute(name, parameters, html):
    """The executed copy of a notebook. The kernel's progress goes to this command's error stream."""
    executed = html.parent / "executed" / f"{name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    log = executed.with_suffix(".log")
    logging.getLogger("papermill").setLevel(logging.ERROR)
    # When a person ends us, the cell's task ends too; nobody is left to ask it, and asyncio would print a traceback.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        papermill.execute_notebook(
            NOTEBOOKS / f"{name}.ipynb",
            executed,
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            kernel_manager_class=Kernels,
            config=Config(Kernels={"error_log": str(log)}),
            cwd=NOTEBOOKS,
        )
    except PapermillExecutionError as error:
        expected = error.ename in EXPECTED
        told = (
            error.evalue
            if expected
            else f"{name} failed with {error.ename}: {error.evalue}; its cells are in {executed}"
        )
        raise UserError(told) from None
    except DeadKernelError:
        raise UserError(f"the kernel of {name} was ended from outside; what it said is in {log}") from None
    return executed

"""Run the notebooks in this process through papermill, and make the page of the last one."""

import logging
import os
from pathlib import Path

import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from analysis.findings import findings_file
from loadgen import dataset, profiles, progress
from loadgen.experiment import directory_of, new_name, resume_hint
from workbench.errors import UserError
from workbench.interruption import Interrupted
from workbench.paths import REPOSITORY
from workbench.temporary_folder import temporary_folder
from workbench.terminal import echo

from . import kernel, views
from .choice import recorded_experiment
from .render import render

NOTEBOOKS = REPOSITORY / "notebooks"
HTML = REPOSITORY / "reports" / "html"
PAGE = "optimization-results.html"
FINDINGS = "findings.json"
# Errors of a cell whose message is meant for the user; any other error is a defect of the notebook and named as one.
EXPECTED_ERRORS = ("UserError", "RecordingError", "RuntimeError")
ANALYSE_S, RENDER_S = 3.0, 6.0  # expected durations of the two notebooks


def measure(profile: str, experiment: str, scale: str, html: Path = HTML) -> str:
    """Run 01-measure; return the id of the experiment that it measured or resumed."""
    profiles.find(profile or profiles.DEFAULT)
    if scale:
        dataset.find_scale(scale)
    html.mkdir(parents=True, exist_ok=True)
    _require_writable(html)
    experiment = experiment or new_name(profile or profiles.DEFAULT)
    directory_of(experiment)  # refuses what is no id
    parameters = {"profile": profile, "experiment": experiment, "scale": scale}
    progress.report("notebook 1 of 3: measure")
    with resume_hint(experiment):
        _execute("01-measure", parameters, html)
    return experiment


def build(experiment: str, html: Path = HTML) -> Path:
    """Run 02-analyse and 03-report on a stored experiment, the newest if it is empty; return the path of the page.

    Raises `UserError` for an experiment that is not complete.
    """
    recorded = recorded_experiment(experiment)
    if problems := recorded.own_problems():
        raise UserError(
            f"experiment {recorded.name} was changed, and has no report: {problems[0]}; see python -m reports verify "
            f"{recorded.name}"
        )
    if not recorded.is_complete():
        raise UserError(
            f"experiment {recorded.name} is not complete ({len(recorded.runs)} of {len(recorded.record['runs'])} runs "
            f"started), and a report needs a complete one; resume it with: make report EXPERIMENT={recorded.name}"
        )
    for problem in recorded.problems():
        echo(f"Warning: {problem}", err=True)
    parameters = {"experiment": str(recorded.directory.resolve()), "findings": str(html / FINDINGS)}
    with progress.steps("report", ANALYSE_S + RENDER_S) as steps:
        steps.begin("notebook 2 of 3: analyse", ANALYSE_S)
        _execute("02-analyse", parameters, html)
        steps.begin("notebook 3 of 3: report", RENDER_S)
        render(_execute("03-report", parameters, html), html / PAGE)
        views.write(*findings_file.read(html / FINDINGS), html)
    return html / PAGE


def _require_writable(html: Path) -> None:
    """Raise `UserError` where the page could not be written, before minutes of measuring."""
    if not os.access(html, os.W_OK):
        raise UserError(f"{html} cannot be written; choose another folder with --output")


def _execute(name: str, parameters: dict[str, str], html: Path) -> Path:
    """Execute a notebook; return the path of its executed copy, which is kept beside the page's folder."""
    executed = html.parent / "executed" / f"{name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    log = executed.with_suffix(".log")
    logging.getLogger("papermill").setLevel(logging.ERROR)
    # A signal that ends this process ends the cell's task too. No caller awaits that, and asyncio prints a traceback.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        with temporary_folder("kernel") as folder:
            papermill.execute_notebook(
                NOTEBOOKS / f"{name}.ipynb",
                executed,
                parameters=parameters,
                kernel_name=kernel.NAME,
                progress_bar=False,
                request_save_on_cell_execute=False,
                kernel_manager_class=kernel.Kernels,
                config=Config(Kernels={"error_log": str(log), "folder": str(folder)}),
                cwd=NOTEBOOKS,
            )
    except PapermillExecutionError as error:
        if error.ename == "KeyboardInterrupt":
            raise Interrupted(error.evalue or "the kernel was interrupted") from None
        is_expected = error.ename in EXPECTED_ERRORS
        failure = f"{name} failed with {error.ename}: {error.evalue}; its cells are in {executed}"
        raise UserError(error.evalue if is_expected else failure) from None
    except DeadKernelError:
        raise UserError(f"the kernel of {name} was ended from outside; its last lines are in {log}") from None
    except RuntimeError as error:
        raise UserError(f"the kernel of {name} did not start: {error}; its last lines are in {log}") from None
    return executed

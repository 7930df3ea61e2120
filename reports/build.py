"""Run the notebooks in this process through papermill, and make the page of the last one."""

import os
from pathlib import Path

from analysis.findings import findings_file
from analysis.findings.finding import Finding
from loadgen import dataset, profiles, progress
from loadgen.experiment import new_name, plan_for, resume_hint
from loadgen.plan import Plan
from workbench.declared_arms import declared
from workbench.errors import UserError
from workbench.paths import REPOSITORY
from workbench.recording import Experiment
from workbench.terminal import echo

from . import arm_page, sections, views
from .choice import recorded_experiment
from .decision import decide
from .execution import execute
from .render import render

HTML = REPOSITORY / "reports" / "html"
PAGE = "optimization-results.html"
FINDINGS = findings_file.NAME
ANALYSE_S, RENDER_S = 3.0, 6.0  # expected durations of the two notebooks
# The one cell of 01-measure may run this many times longer than its plan expects; a search adds runs to its plan.
MEASURE_FACTOR, MIN_MEASURE_S, SEARCH_S = 4, 7_200, 7_200


def measure(profile: str, experiment: str, scale: str, html: Path = HTML) -> str:
    """Run 01-measure; return the id of the experiment that it measured or resumed."""
    profiles.find(profile or profiles.DEFAULT)
    if scale:
        dataset.find_scale(scale)
    html.mkdir(parents=True, exist_ok=True)
    _require_writable(html)
    _discard(html)
    experiment = experiment or new_name(profile or profiles.DEFAULT)
    plan = plan_for(experiment, profile or None, scale or None, None)
    parameters = {"profile": profile, "experiment": experiment, "scale": scale}
    progress.report("notebook 1 of 3: measure")
    with resume_hint(experiment):
        execute("01-measure", parameters, _executed(html), _max_measure_s(plan))
    return experiment


def _max_measure_s(plan: Plan) -> int:
    """The seconds after which a measurement hangs rather than measures."""
    return max(MIN_MEASURE_S, round(MEASURE_FACTOR * sum(plan.expected_s))) + SEARCH_S * len(plan.searches)


def _executed(html: Path) -> Path:
    """The folder of executed notebooks, beside that of the page."""
    return html.parent / "executed"


def build(experiment: str, html: Path = HTML) -> Path:
    """Run 02-analyse and 03-report on a stored experiment, the newest if it is empty; return the path of the page.

    Raises `UserError` for an experiment that is not complete.
    """
    recorded = recorded_experiment(experiment)
    _discard(html)
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
        execute("02-analyse", parameters, _executed(html))
        _, findings = findings_file.read(html / FINDINGS)
        if declared(recorded.record):
            arm_page.write(recorded, findings, html / PAGE)
        else:
            steps.begin("notebook 3 of 3: report", RENDER_S)
            render(execute("03-report", parameters, _executed(html)), html / PAGE)
        views.write(decide(recorded, findings), recorded, findings, html)
    return html / PAGE


def headline(experiment: Experiment, findings: list[Finding]) -> str:
    """The result of an experiment in a sentence or two, as its page begins."""
    if declared(experiment.record):
        return arm_page.headline(experiment, findings)
    return sections.headline(sections.Report(experiment, findings))


def _discard(html: Path) -> None:
    """Remove what a CI reads of the last report: where this one fails, nothing must pass for it."""
    for name in (FINDINGS, *views.NAMES):
        (html / name).unlink(missing_ok=True)


def _require_writable(html: Path) -> None:
    """Raise `UserError` where the page could not be written, before minutes of measuring."""
    if not os.access(html, os.W_OK):
        raise UserError(f"{html} cannot be written; choose another folder with --output")

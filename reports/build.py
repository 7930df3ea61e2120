"""Run the notebooks in this process through papermill, and make the page of the last one."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from loadgen import progress
from workbench import shell_commands
from workbench.errors import UserError
from workbench.paths import REPOSITORY
from workbench.terminal import echo

from . import kernel
from .jsonschema_import import import_without_grammar
from .page_names import DISCARDED, FINDINGS, PAGE

if TYPE_CHECKING:  # the imports of loadgen and of the analysis take longer than a kernel's start: functions have them
    from analysis.findings.finding import Finding
    from loadgen.plan import Plan
    from workbench.recording import Experiment

HTML = REPOSITORY / "reports" / "html"
ANALYSE_S, RENDER_S = 1.0, 2.5  # expected durations of the two notebooks
# The one cell of 01-measure may run this many times longer than its plan expects; a search adds runs to its plan.
MEASURE_FACTOR, MIN_MEASURE_S, SEARCH_S = 4, 7_200, 7_200
# What this process needs after the notebooks; it is imported while they are executed.
RENDERING = ("reports.render", "reports.views", "reports.index_page", "reports.report_entry")


class BuiltReport(NamedTuple):
    """A page, and the experiment and the findings that it shows."""

    page: Path
    experiment: "Experiment"
    findings: "list[Finding]"


def measure(
    profile: str, experiment: str, scale: str, html: Path = HTML, app: str = "", confirmed: Sequence[str] = ()
) -> str:
    """Run 01-measure; return the id of the experiment that it measured or resumed.

    `app` is the path of a `workbench.toml`; without one it is that of TraceTrack, in this repository. `confirmed` are
    hosts that it puts under load and that are not this machine.
    """
    import_without_grammar()
    from loadgen import dataset, machine_lock
    from loadgen.experiment import new_name, plan_for, resume_hint
    from loadgen.requested_experiment import requested

    from .execution import execute

    request = requested(app, profile, confirmed)
    if scale:
        dataset.find_scale(scale)
    html.mkdir(parents=True, exist_ok=True)
    _require_writable(html)
    machine_lock.require_free()  # what is refused discards nothing
    _discard(html)
    experiment = experiment or new_name(request.id)
    plan = plan_for(experiment, request.profile, scale or None, None, comparison=request.comparison)
    path = str(Path(app).resolve()) if request.comparison else ""
    parameters = {
        "profile": profile, "experiment": experiment, "scale": scale, "app": path, "confirmed": " ".join(confirmed),
    }  # fmt: skip
    progress.report("notebook 1 of 3: measure")
    with resume_hint(experiment):
        execute("01-measure", parameters, _executed(html), _max_measure_s(plan))
    return experiment


def _max_measure_s(plan: "Plan") -> int:
    """The seconds after which a measurement hangs rather than measures."""
    return max(MIN_MEASURE_S, round(MEASURE_FACTOR * sum(plan.expected_s))) + SEARCH_S * len(plan.searches)


def _executed(html: Path) -> Path:
    """The folder of executed notebooks, beside that of the page."""
    return html.parent / "executed"


def build(experiment: str, html: Path = HTML) -> BuiltReport:
    """Run 02-analyse and 03-report on a stored experiment, the newest if it is empty.

    Both run in one kernel, which starts first. Raises `UserError` for an experiment that is not complete.
    """
    executed = _executed(html)
    with kernel.running(executed / "report.log", is_prepared=True) as kernels:
        import_without_grammar()
        from workbench.object_store import is_url

        from .choice import recorded_experiment
        from .execution import execute

        recorded = recorded_experiment(experiment)
        _discard(html)
        _require_reportable(recorded)
        place = experiment if is_url(experiment) else str(recorded.directory.resolve())
        parameters = {"experiment": place, "findings": str(html / FINDINGS)}
        with ThreadPoolExecutor(1) as beside, progress.steps("report", ANALYSE_S + RENDER_S) as steps:
            problems = beside.submit(recorded.problems)
            rendering = beside.submit(lambda: [import_module(name) for name in RENDERING])
            steps.begin("notebook 2 of 3: analyse", ANALYSE_S)
            execute("02-analyse", parameters, executed, kernels=kernels)
            for problem in problems.result():
                echo(f"Warning: {problem}", err=True)
            steps.begin("notebook 3 of 3: report", RENDER_S)
            notebook = execute("03-report", parameters, executed, kernels=kernels)
            rendering.result()
            return _rendered(notebook, recorded, html)


def _require_reportable(recorded: "Experiment") -> None:
    """Raise `UserError` for an experiment that was changed, or is not complete."""
    if problems := recorded.own_problems():
        raise UserError(
            f"experiment {recorded.name} was changed, and has no report: {problems[0]}; see python -m reports verify "
            f"{recorded.name}"
        )
    if not recorded.is_complete():
        resumed = shell_commands.make("report", f"EXPERIMENT={recorded.name}")
        raise UserError(
            f"experiment {recorded.name} is not complete ({len(recorded.runs)} of {len(recorded.record['runs'])} runs "
            f"started), and a report needs a complete one; resume it with: {resumed}"
        )


def _rendered(notebook: Path, recorded: "Experiment", html: Path) -> BuiltReport:
    """Write the page of an executed notebook, and the views of its findings."""
    from analysis.findings import findings_file

    from . import sections, views
    from .decision import decide
    from .render import render

    _, findings = findings_file.read(html / FINDINGS)
    render(notebook, html / PAGE, sections.title(sections.Report(recorded, findings)))
    views.write(decide(recorded, findings), recorded, findings, html)
    return BuiltReport(html / PAGE, recorded, findings)


def headline(experiment: "Experiment", findings: "list[Finding]") -> str:
    """The result of an experiment in a sentence or two, as its page begins."""
    from . import sections

    return sections.headline(sections.Report(experiment, findings))


def _discard(html: Path) -> None:
    """Remove what a CI reads of the last report: where this one fails, nothing must pass for it."""
    for name in DISCARDED:
        (html / name).unlink(missing_ok=True)


def _require_writable(html: Path) -> None:
    """Raise `UserError` where the page could not be written, before minutes of measuring."""
    if not os.access(html, os.W_OK):
        raise UserError(f"{html} cannot be written; choose another folder with --output")

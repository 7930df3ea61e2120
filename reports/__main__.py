"""`python -m reports report|build|gate`: measure and render, render a stored experiment, or check the objectives."""

from pathlib import Path

import click

from analysis.findings import findings_file
from analysis.findings.finding import Finding
from loadgen import profiles
from loadgen.subprocesses import raise_on_sigterm
from workbench.errors import UserError, reporting_errors
from workbench.paths import recording_path
from workbench.recording import open_experiment
from workbench.terminal import echo

from . import build as building
from . import index_page, sections
from .choice import recorded_run
from .single_run import run_page

OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=building.HTML,
    help="Folder of the page; executed notebooks are written beside it.",
)


@click.group()
def main() -> None:
    """Build the report, or check the objectives of the built one."""


@main.command()
@click.option("--profile", default="", help=f"Name of a profile; {profiles.DEFAULT} by default.")
@click.option("--experiment", default="", help="Id of a new experiment, or of an interrupted one to resume.")
@click.option("--scale", default="", help="Data scale; the profile's own by default.")
@OUTPUT
def report(profile: str, experiment: str, scale: str, output: Path) -> None:
    """Measure, analyse and render the page."""
    click.echo("notebook 1 of 3: measure", err=True)
    _build(building.measure(profile, experiment, scale, output), output)


@main.command()
@click.option("--experiment", default="", help="Id or folder of a stored experiment; the newest by default.")
@click.option("--run", default="", metavar="RUN", help="Id or folder of one run instead: single-runs/<run>.")
@OUTPUT
def build(experiment: str, run: str, output: Path) -> None:
    """Render the page of a stored experiment, or of one run."""
    if experiment and run:
        raise click.UsageError("--experiment and --run name two pages; give one of them")
    if not run:
        _build(experiment, output)
        return
    page = run_page.write(recorded_run(run), output)
    index_page.write(output)
    click.echo(page)


@main.command()
@OUTPUT
def gate(output: Path) -> None:
    """Exit with 1 if an objective of the built report fails or was not measured."""
    path = output / building.FINDINGS
    if not path.exists():
        raise UserError(f"there is no {path.name} yet; run make report first")
    experiment, findings = findings_file.read(path)
    objectives = _objectives(findings)
    if not objectives:
        raise UserError(f"{path.name} of experiment {experiment} holds no objective; run make render")
    missed = [finding for finding in objectives if finding.verdict != "pass"]
    for finding in missed:
        echo(f"{finding.verdict}: {finding.claim}: {finding.evidence}")
    if missed:
        number = "1 objective" if len(missed) == 1 else f"{len(missed)} objectives"
        raise UserError(f"{number} of experiment {experiment} {'is' if len(missed) == 1 else 'are'} not met")
    click.echo(f"all objectives of experiment {experiment} are met")


def _objectives(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.kind == "objective"]


def _build(experiment: str, output: Path) -> None:
    """Render the page; print its objectives, its verdict, and its path as the last line."""
    page = building.build(experiment, output)
    index_page.write(output)
    name, findings = findings_file.read(output / building.FINDINGS)
    for finding in _objectives(findings):
        echo(f"{finding.verdict}: {finding.claim} ({finding.evidence})")
    recorded = open_experiment(recording_path(experiment or name))
    echo(sections.verdict(sections.Report(recorded, findings)))
    click.echo(page)


def command() -> None:
    """Run the command line; an expected failure is one or two lines and an exit code."""
    raise_on_sigterm()
    with reporting_errors():
        main(prog_name="python -m reports", standalone_mode=False)


if __name__ == "__main__":
    command()

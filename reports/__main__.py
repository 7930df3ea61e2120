"""`python -m reports report|build|gate`: measure and render, render again, or judge what was rendered."""

from pathlib import Path

import click

from analysis.findings import findings_file
from loadgen import profiles
from loadgen.subprocesses import raise_on_sigterm
from workbench.errors import UserError, reporting_errors
from workbench.paths import runs_directory
from workbench.recording import open_experiment

from . import build as building
from . import sections

OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=building.HTML,
    help="Folder of the page; executed notebooks go beside it.",
)


@click.group()
def main():
    """Build the report, or judge it."""


@main.command()
@click.option("--profile", default="", help=f"Name of a profile; {profiles.DEFAULT} if not given.")
@click.option("--experiment", default="", help="Id of the experiment to make, or to go on with if it was interrupted.")
@click.option("--scale", default="", help="Data scale, if not the profile's own.")
@OUTPUT
def report(profile, experiment, scale, output):
    """Measure, analyse and render the page."""
    click.echo("notebook 1 of 3: measure", err=True)
    made = building.measure(profile, experiment, scale, output)
    _build(made, output)


@main.command()
@click.option("--experiment", default="", help="Id of a stored experiment; the newest if not given.")
@OUTPUT
def build(experiment, output):
    """Render the page of a stored experiment."""
    _build(experiment, output)


@main.command()
@OUTPUT
def gate(output):
    """Exit with 1 if an objective of the built report fails."""
    path = output / "findings.json"
    if not path.exists():
        raise UserError(f"there is no {path.name} yet; run make report first")
    experiment, findings = findings_file.read(path)
    objectives = [finding for finding in findings if finding.kind == "objective"]
    if not objectives:
        raise UserError(f"{path.name} of experiment {experiment} holds no objective; run make render")
    failed = [finding for finding in objectives if finding.verdict != "pass"]
    for finding in failed:
        click.echo(f"{finding.verdict}: {finding.claim}: {finding.evidence}")
    if failed:
        number = "1 objective" if len(failed) == 1 else f"{len(failed)} objectives"
        raise UserError(f"{number} of experiment {experiment} {'is' if len(failed) == 1 else 'are'} not met")
    click.echo(f"all objectives of experiment {experiment} are met")


def _build(experiment, output):
    page = building.build(experiment, output)
    name, findings = findings_file.read(page.with_name("findings.json"))
    for finding in findings:
        if finding.kind == "objective":
            click.echo(f"{finding.verdict}: {finding.claim} ({finding.evidence})")
    click.echo(sections.verdict(sections.Report(open_experiment(runs_directory() / name), findings)))
    click.echo(page)


def command() -> None:
    """Run the command line; every expected failure is one or two lines and a code."""
    raise_on_sigterm()
    with reporting_errors():
        main(prog_name="python -m reports", standalone_mode=False)


if __name__ == "__main__":
    command()

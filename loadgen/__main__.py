"""`python -m loadgen list|run|experiment`: put a deployment under load and record what happened."""

from contextlib import contextmanager
from datetime import UTC, datetime

import click
import psycopg2

from analysis.directories import data_directory, runs_directory
from analysis.problem import Problem, told_in_lines
from reference_app import waiting

from . import dataset, deployments, experiment, progress, run, scenarios, services
from .children import die_with_launcher, raise_on_sigterm

SINGLE_RUNS = "single-runs"  # the folder of runs that belong to no experiment


@click.group()
def main():
    """Put a TraceTrack deployment under load and record every request."""


@main.command("list")
def list_():
    """List deployments, scenarios, scales and experiment profiles."""
    click.echo("Deployments (and what differs from as-measured):")
    for name, (description, _) in deployments.DEPLOYMENTS.items():
        click.echo(f"  {name:<14} {description}")
        for field, (base, own) in deployments.differences(name).items():
            click.echo(f"  {'':<14}   {field} {own} (as-measured: {base})")
    click.echo("Scenarios:")
    for scenario in scenarios.SCENARIOS.values():
        click.echo(f"  {scenario.name:<14} {scenario.description}")
    click.echo("Scales:")
    for name, scale in dataset.SCALES.items():
        click.echo(f"  {name:<14} " + ", ".join(f"{rows:,} {table}" for table, rows in scale.counts().items()))
    click.echo("Profiles:")
    for name, profile in experiment.PROFILES.items():
        click.echo(f"  {name:<14} {profile.description}")


@main.command("run")
@click.option("--deployment", required=True, help="Name of a deployment, see list.")
@click.option("--scenario", required=True, help="Name of a scenario, see list.")
@click.option("--scale", default="production", show_default=True, help="Name of a data scale, see list.")
@click.option("--seed", default=1, show_default=True, help="Seed of the users' random numbers.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the application; a free one if not given.")
def run_(deployment, scenario, scale, seed, port):
    """Run one deployment under one scenario and print the run's directory."""
    order = run.Order(deployment=deployment, scenario=scenario, scale=scale, seed=seed, port=port)
    order.check()
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    directory = runs_directory() / SINGLE_RUNS / f"{stamp}-{deployment}-{scenario}"
    settings = deployments.find(deployment)
    with services.database_server(data_directory() / "postgres", settings.max_connections) as server:
        dataset.ensure_template(server, scale, settings.indexes)
        expected_s = experiment.OVERHEAD_S + scenarios.find(scenario).expected_s()
        with progress.steps("measuring", expected_s) as shown:
            shown.begin(f"{deployment} {scenario}", expected_s)
            record = run.execute(server, order, directory)
    if not record["valid"]:
        click.echo("This run is not valid: " + "; ".join(record["reasons"]), err=True)
    click.echo(directory)


@main.command("experiment")
@click.option("--profile", default="quick", show_default=True, help="Name of a profile, see list.")
@click.option("--scale", help="Data scale, if not the profile's own.")
@click.option("--experiment", "name", help="Id of the experiment; made from time and profile if not given.")
@click.option("--seed", default=1, show_default=True, help="Seed of the order of the arms and of the users.")
def experiment_(profile, scale, name, seed):
    """Run all arms of a profile and print the experiment's id."""
    plan = experiment.plan(profile, scale, seed)
    click.echo(experiment.execute(plan, name))


def command() -> None:
    """Run the command line; every expected failure is one or two lines and a code."""
    die_with_launcher()
    raise_on_sigterm()
    waiting.install(True)  # libpq's own waiting would keep a signal from us until the server answers
    with told_in_lines(), _told_of_database():
        main(prog_name="python -m loadgen", standalone_mode=False)


@contextmanager
def _told_of_database():
    try:
        yield
    except psycopg2.errors.DiskFull as error:
        raise Problem(f"the database's disk is full: {str(error).strip().splitlines()[0]}") from None
    except psycopg2.OperationalError as error:
        raise Problem(f"the database stopped answering: {str(error).strip().splitlines()[0]}") from None


if __name__ == "__main__":
    command()

"""`python -m loadgen list|run|experiment`: put a deployment under load and record what happened."""

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import psycopg2

from instrumentation import deadlines
from workbench.errors import UserError, reporting_errors
from workbench.paths import data_directory, runs_directory

from . import dataset, deployments, experiment, machine_lock, profiles, progress, run, scenarios, services, target
from .run_summary import told
from .subprocesses import die_with_launcher, raise_on_sigterm
from .target import Target

SINGLE_RUNS = "single-runs"  # the folder of runs that belong to no experiment
FILE = click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True)
SECONDS = click.FloatRange(0, scenarios.LONGEST_S)
USERS = click.IntRange(1, scenarios.MOST_USERS)


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
    for scenario in map(scenarios.find, scenarios.LISTED):
        click.echo(f"  {scenario.name:<14} {scenario.description}")
    click.echo("Scales:")
    for name, scale in dataset.SCALES.items():
        click.echo(f"  {name:<14} " + ", ".join(f"{rows:,} {table}" for table, rows in scale.counts().items()))
    click.echo("Profiles:")
    for name, profile in profiles.PROFILES.items():
        click.echo(f"  {name:<14} {profile.description}")


@main.command("run")
@click.option("--deployment", help="Name of a deployment, see list.")
@click.option("--target", "url", help="URL of an application that is running already, instead of a deployment.")
@click.option("--confirm-target", metavar="HOST", help="Its host once more, where it is not this machine.")
@click.option("--scenario", required=True, help="Name of a scenario, see list.")
@click.option("--locustfile", type=FILE, help="User classes of your own, for a target with other endpoints.")
@click.option("--scale", default="production", show_default=True, help="Name of a data scale, see list.")
@click.option("--seed", default=1, show_default=True, help="Seed of the users' random numbers.")
@click.option("--duration", "duration_s", type=SECONDS, help="Measured seconds, if not the scenario's own.")
@click.option("--warmup", "warmup_s", type=SECONDS, help="Seconds before them that are marked as warm-up.")
@click.option("--users", type=USERS, help="Users; in open load the most requests in flight.")
@click.option("--arrivals", type=click.Choice(["poisson", "constant"]), help="How requests of open load arrive.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Of the load generator.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the application; a free one if not given.")
@machine_lock.sole_use()
def run_(deployment, url, confirm_target, scenario, locustfile, scale, seed, processes, port, **changes):
    """Run one deployment, or an application that is running already, under one scenario; print the run's directory."""
    if (deployment is None) == (url is None):
        raise UserError("name what to put under load: either --deployment or --target")
    if url and port:
        raise UserError("--port is for the application of a deployment; a target has one in its URL")
    changes = {name: value for name, value in changes.items() if value is not None}
    order = run.Order(
        deployment=deployment or "target",
        scenario=scenario,
        scale=scale,
        seed=seed,
        port=port,
        changes=changes,
        processes=processes,
    )
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    directory = runs_directory() / SINGLE_RUNS / f"{stamp}-{order.deployment}-{scenario}"
    if url:
        record = _run_on_target(Target.parse(url), confirm_target, order, directory, locustfile)
    else:
        record = _run_deployment(order, directory, locustfile, confirm_target)
    for line in told(directory, record):
        click.echo(line, err=True)
    click.echo(directory)


def _run_on_target(there, confirmed, order, directory, locustfile):
    there.require_confirmed(confirmed)
    with progress.steps("measuring", order.load().expected_s()) as shown:
        shown.begin(f"{there.public()} {order.scenario}", order.load().expected_s())
        return target.execute(there, order, directory, locustfile)


def _run_deployment(order, directory, locustfile, confirmed):
    if locustfile or confirmed:
        raise UserError("--locustfile and --confirm-target go with --target; a deployment has users of its own")
    order.check()
    settings = deployments.find(order.deployment)
    with services.database_server(data_directory() / "postgres", settings.max_connections) as server:
        dataset.ensure_template(server, order.scale, settings.indexes)
        expected_s = experiment.OVERHEAD_S + order.load().expected_s()
        with progress.steps("measuring", expected_s) as shown:
            shown.begin(f"{order.deployment} {order.scenario}", expected_s)
            return run.execute(server, order, directory)


@main.command("experiment")
@click.option("--profile", help=f"Name of a profile, see list; {profiles.DEFAULT} if not given.")
@click.option("--scale", help="Data scale, if not the profile's own.")
@click.option("--experiment", "name", help="Id of the experiment; made from time and profile if not given.")
@click.option("--seed", type=int, help="Seed of the order of the arms and of the users; 1 if not given.")
@click.option(
    "--p95-ms",
    type=click.FloatRange(0, 600_000, min_open=True),
    help="Objective of a search for capacity: what p95 of every endpoint has to be below; 300 if not given.",
)
@machine_lock.sole_use()
def experiment_(profile, scale, name, seed, p95_ms):
    """Run all arms of a profile and print the experiment's id.

    An experiment that was interrupted goes on by its id alone; what of it is complete is not measured again.
    """
    plan = experiment.plan_for(name, profile, scale, seed, p95_ms)
    click.echo(experiment.execute(plan, name))


def command() -> None:
    """Run the command line; every expected failure is one or two lines and a code."""
    die_with_launcher()
    raise_on_sigterm()
    deadlines.install(True)  # libpq's own waiting would keep a signal from us until the server answers
    with reporting_errors(), _told_of_database():
        main(prog_name="python -m loadgen", standalone_mode=False)


@contextmanager
def _told_of_database():
    try:
        yield
    except psycopg2.errors.DiskFull as error:
        raise UserError(f"the database's disk is full: {str(error).strip().splitlines()[0]}") from None
    except psycopg2.OperationalError as error:
        raise UserError(f"the database stopped answering: {str(error).strip().splitlines()[0]}") from None


if __name__ == "__main__":
    command()

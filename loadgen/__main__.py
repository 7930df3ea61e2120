"""`python -m loadgen list|run|worker|experiment|init`: put a deployment under load and record what happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import psycopg2

from instrumentation import deadlines
from workbench import looks
from workbench.command_line import hide_secrets
from workbench.errors import UsageError, UserError, reporting_errors
from workbench.terminal import FiniteRange

from . import catalogue, compared_arms, machine_lock, profiles, requested_experiment
from .app_draft import draft_command
from .arm_source import FORM
from .compared_arms import Comparison
from .hosts.worker_command import worker
from .run_command import FILE, run_, users_of_options
from .subprocesses import die_with_launcher
from .target import Users

ARM_HELP = f"What to compare: {FORM}, at least twice; with --p95-ms one is enough."


@click.group(commands=[draft_command.init, run_, worker])
def main() -> None:
    """Put a TraceTrack deployment under load and record every request."""


@main.command("list")
@click.option("--markdown", is_flag=True, help="Print the content of docs/DEPLOYMENTS.md instead.")
def list_(markdown: bool) -> None:
    """List deployments, scenarios, scales and experiment profiles."""
    if markdown:
        click.echo(catalogue.markdown(), nl=False)
        return
    for line in catalogue.text():
        click.echo(line)


@main.command("experiment")
@click.option("--profile", help=f"Name of a profile, see list; {profiles.DEFAULT} if not given.")
@click.option("--scale", help="Data scale, if not the profile's own.")
@click.option("--experiment", "name", help="Id of the experiment; made from time and profile if not given.")
@click.option("--seed", type=int, help="Seed of the order of the arms and of the users; drawn if not given.")
@click.option("--app", default="", help="The workbench.toml of an application of your own.")
@click.option("--arm", "arms", multiple=True, metavar="NAME=SOURCE", help=ARM_HELP)
@click.option("--deployment", help="What checkouts serve as; tuned if not given.")
@click.option("--scenario", "scenario_names", multiple=True, help="Load of the arms; burst-50, and of checkouts reads.")
@click.option("--blocks", type=int, help=f"Blocks of the arms; {compared_arms.BLOCKS} if not given.")
@click.option(
    "--until-decided",
    type=click.IntRange(looks.MIN_BLOCKS, looks.MAX_BLOCKS),
    help=f"Add blocks until each primary comparison has a verdict, at most so many; a look after every {looks.EVERY}.",
)
@click.option("--locustfile", type=FILE, help="User classes of your own, for commands and URLs.")
@click.option("--tag", "tags", multiple=True, help="Only tasks with one of these tags.")
@click.option("--without-tag", "without_tags", multiple=True, help="No tasks with these.")
@click.option("--confirm-target", "confirmed", multiple=True, metavar="HOST", help="A URL's host that is elsewhere.")
@click.option("--ca", type=FILE, help="Certificate authority that certificates of URLs are checked by.")
@click.option("--insecure", is_flag=True, help="Do not check certificates of URLs.")
@click.option(
    "--p95-ms",
    type=FiniteRange(0, 600_000, min_open=True),
    help="Objective of arms, or of a search for capacity: the bound on p95 of every endpoint; 300 if not given.",
)
def experiment_(
    profile: str | None,
    scale: str | None,
    name: str | None,
    seed: int | None,
    p95_ms: float | None,
    until_decided: int | None,
    app: str,
    **options: Any,
) -> None:
    """Run all arms of a profile, of your own application, or of --arm, and print the experiment's id.

    With --arm, the first arm is the baseline of the others and runs twice in each block. The id alone resumes an
    experiment that was interrupted; runs that are complete are not measured again.
    """
    from . import experiment  # with the predictions it brings SciPy, which a single run need not wait for

    if until_decided and options["blocks"] is not None:
        raise UsageError("--blocks is a fixed number of blocks; with --until-decided leave it out")
    if until_decided and options["arms"]:
        options["blocks"] = until_decided
    if app:
        profile, comparison = _declared(app, profile, p95_ms=p95_ms, until_decided=until_decided, **options)
    elif (comparison := _comparison(p95_ms is not None, **options)) and profile:
        raise UsageError("--arm takes the place of a profile; leave out --profile")
    with machine_lock.sole_use():  # a mistake is named also while another process measures
        plan = experiment.plan_for(name, profile, scale, seed, p95_ms, comparison, until_decided)
        click.echo(experiment.execute(plan, name))


def _declared(
    app: str, profile: str | None, *, confirmed: tuple[str, ...], **options: Any
) -> tuple[str | None, Comparison | None]:
    """The profile or the comparison that a workbench.toml declares."""
    if any(options.values()):
        raise UsageError("--app declares arms, scenarios, users and objectives in its file; leave out their options")
    request = requested_experiment.requested(app, profile or "", confirmed)
    return request.profile, request.comparison


def _comparison(
    has_objective: bool,
    arms: tuple[str, ...],
    deployment: str | None,
    scenario_names: tuple[str, ...],
    blocks: int | None,
    confirmed: tuple[str, ...],
    **options: Any,
) -> Comparison | None:
    """The arms of a user's own; None without one."""
    users = users_of_options(**options)
    if arms:
        return Comparison.of_options(
            arms, deployment, scenario_names, blocks, users, confirmed, has_objective=has_objective
        )
    if deployment or scenario_names or blocks is not None or confirmed or users != Users():
        raise UsageError("--deployment, --scenario, --blocks and options of users go with --arm; a profile has its own")
    return None


def command() -> None:
    """Run the command line; every expected failure is one or two lines and an exit code."""
    hide_secrets()
    die_with_launcher()
    deadlines.install(True)  # libpq's own waiting would delay signals until the server answers
    with reporting_errors(), _database_errors():
        main(prog_name="python -m loadgen", standalone_mode=False)


@contextmanager
def _database_errors() -> Iterator[None]:
    """Turn a full disk or a lost connection of the database into a `UserError`."""
    try:
        yield
    except psycopg2.errors.DiskFull as error:
        raise UserError(f"the database's disk is full: {str(error).strip().splitlines()[0]}") from None
    except psycopg2.OperationalError as error:
        raise UserError(f"the database stopped answering: {str(error).strip().splitlines()[0]}") from None


if __name__ == "__main__":
    command()

"""`python -m loadgen list|run|experiment|init`: put a deployment under load and record what happened."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psycopg2

from instrumentation import deadlines
from workbench import looks
from workbench.command_line import hide_secrets
from workbench.errors import EXIT_INVALID, UsageError, UserError, reporting_errors
from workbench.paths import data_directory
from workbench.terminal import FiniteRange, echo

from . import (
    catalogue,
    compared_arms,
    dataset,
    deployments,
    machine_lock,
    missing_programs,
    profiles,
    progress,
    requested_experiment,
    run,
    run_folder,
    run_summary,
    scenarios,
    services,
    target,
)
from .app_draft import draft_command
from .arm_source import FORM
from .compared_arms import Comparison
from .generator.interface import INSECURE
from .plan import OVERHEAD_S
from .run_database import RunDatabases
from .run_spec import RunSpec
from .subprocesses import die_with_launcher
from .target import Target, Users

FILE = click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True)
SECONDS = FiniteRange(0, scenarios.MAX_DURATION_S)
USERS = click.IntRange(1, scenarios.MAX_USERS)
RATE = FiniteRange(1, scenarios.MAX_RATE_RPS)
ARM_HELP = f"What to compare: {FORM}, at least twice; with --p95-ms one is enough."
CHANGES = ("duration_s", "warmup_s", "users", "arrivals", "base_rps")  # options that replace fields of the scenario


@click.group(commands=[draft_command.init])
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


@main.command("run")
@click.option("--deployment", help="Name of a deployment, see list.")
@click.option("--target", "url", help="URL of an application that is running already, instead of a deployment.")
@click.option("--confirm-target", metavar="HOST", help="Its host once more, where it is not this machine.")
@click.option("--scenario", required=True, help="Name of a scenario, see list.")
@click.option("--locustfile", type=FILE, help="User classes of your own, for a target with other endpoints.")
@click.option("--tag", "tags", multiple=True, help="Only tasks with one of these tags, as Locust's --tags.")
@click.option("--without-tag", "without_tags", multiple=True, help="No tasks with these, as Locust's --exclude-tags.")
@click.option("--ca", type=FILE, help="Certificate authority that a target's certificate is checked by.")
@click.option("--insecure", is_flag=True, help="Do not check a target's certificate.")
@click.option("--scale", default="production", show_default=True, help="Name of a data scale, see list.")
@click.option("--seed", default=1, show_default=True, help="Seed of the users' random numbers.")
@click.option("--duration", "duration_s", type=SECONDS, help="Measured seconds, if not the scenario's own.")
@click.option("--warmup", "warmup_s", type=SECONDS, help="Seconds before them that are marked as warm-up.")
@click.option("--users", type=USERS, help="Users; in open load the largest number of requests in flight.")
@click.option("--arrivals", type=click.Choice(["poisson", "constant"]), help="How requests of open load arrive.")
@click.option("--base-rate", "base_rps", type=RATE, help="Requests/s that overload-N offers N times.")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes of the load generator."
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the application; a free one if not given.")
@click.option("--name", help="Id of the run; made from time, deployment and scenario if not given.")
@click.option("--watch", is_flag=True, help="Show the requests of each second while the load goes on.")
@click.option("--allow-invalid", is_flag=True, help="End with exit code 0 where the measurement is not valid, not 3.")
@machine_lock.sole_use()
def run_(
    deployment: str | None,
    url: str | None,
    confirm_target: str | None,
    scenario: str,
    scale: str,
    seed: int,
    processes: int,
    port: int | None,
    name: str | None,
    watch: bool,
    allow_invalid: bool,
    **options: Any,
) -> None:
    """Run a deployment, or an application that is running already, under a scenario; print the directory of the run."""
    if (deployment is None) == (url is None):
        raise UsageError("name what to put under load: either --deployment or --target")
    if url and port:
        raise UsageError("--port is for the application of a deployment; a target has its port in its URL")
    spec = RunSpec(
        deployment=deployment or "target",
        scenario=scenario,
        scale=scale,
        seed=seed,
        port=port,
        changes={name: options[name] for name in CHANGES if options[name] is not None},
        processes=processes,
    )
    users = _users(**{name: value for name, value in options.items() if name not in CHANGES})
    directory = run_folder.named(name) if name else run_folder.dated(f"{spec.deployment}-{scenario}")
    if url:
        record = _run_on_target(Target.parse(url), confirm_target, spec, directory, users, watch)
    else:
        record = _run_deployment(spec, directory, users, confirm_target, watch)
    _end(directory, record, allow_invalid)


def _users(
    locustfile: Path | None, tags: tuple[str, ...], without_tags: tuple[str, ...], ca: Path | None, insecure: bool
) -> Users:
    if ca and insecure:
        raise UsageError("--ca and --insecure contradict each other; give one of them")
    return Users(locustfile, tags, without_tags, INSECURE if insecure else str(ca or ""))


def _end(directory: Path, record: dict, allow_invalid: bool) -> None:
    """Print what came of a run and where it is; the exit code is 3 for a run that is not valid, or the locustfile's."""
    for line in run_summary.lines(directory, record):
        echo(line, err=True)
    echo(f"For its page: python -m reports build --run {shlex.quote(str(directory))}", err=True)
    click.echo(directory)
    if not record["valid"] and not allow_invalid:
        sys.exit(EXIT_INVALID)
    if exit_code := record.get("generator", {}).get("exit_code"):
        sys.exit(exit_code)


@contextmanager
def _showing(what: str, expected_s: float, directory: Path, watch: bool) -> Iterator[None]:
    """Show how far the run of the block is: as a bar, or the requests of each second."""
    if watch:
        from .watch import watching  # with rich, which no other command needs

        with watching(directory):
            yield
        return
    with progress.steps("measuring", expected_s) as shown:
        shown.begin(what, expected_s)
        yield


def _run_on_target(
    application: Target, confirmed: str | None, spec: RunSpec, directory: Path, users: Users, watch: bool
) -> dict:
    application.require_confirmed(confirmed)
    with _showing(f"{application.public()} {spec.scenario}", spec.load().expected_s(), directory, watch):
        return target.execute(application, spec, directory, users)


def _run_deployment(spec: RunSpec, directory: Path, users: Users, confirmed: str | None, watch: bool) -> dict:
    if confirmed or users != Users():
        raise UsageError(
            "--confirm-target, --locustfile, tags and certificates go with --target; a deployment has users of its own"
        )
    spec.check()
    missing_programs.require_for(spec.deployment, spec.scenario)
    settings = deployments.settings_for(spec.deployment)
    with services.database_server(data_directory() / "postgres", settings.max_connections) as server:
        dataset.ensure_template(server, spec.scale, settings.indexes)
        expected_s = OVERHEAD_S + spec.load().expected_s()
        with (
            _showing(f"{spec.deployment} {spec.scenario}", expected_s, directory, watch),
            RunDatabases(server) as databases,
        ):
            return run.execute(databases, spec, directory)


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
@machine_lock.sole_use()
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
    users = _users(**options)
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

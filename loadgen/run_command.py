"""`python -m loadgen run`: one run of a deployment, or of an application that is running already."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from workbench.errors import EXIT_INVALID, UsageError
from workbench.paths import data_directory
from workbench.terminal import FiniteRange, echo

from . import (
    dataset,
    deployments,
    machine_lock,
    missing_programs,
    progress,
    run,
    run_folder,
    run_summary,
    scenarios,
    services,
    target,
)
from .generator.interface import INSECURE
from .hosts import host_options
from .hosts.host_options import HostOptions
from .plan import OVERHEAD_S
from .run_database import RunDatabases
from .run_spec import RunSpec
from .target import Target, Users

FILE = click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True)
SECONDS = FiniteRange(0, scenarios.MAX_DURATION_S)
USERS = click.IntRange(1, scenarios.MAX_USERS)
RATE = FiniteRange(1, scenarios.MAX_RATE_RPS)
CHANGES = ("duration_s", "warmup_s", "users", "arrivals", "base_rps")  # options that replace fields of the scenario


@click.command("run")
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
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes of the load generator; with --hosts on each.",
)
@host_options.of_run
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
    hosts: HostOptions | None,
    **options: Any,
) -> None:
    """Run a deployment, or an application that is running already, under a scenario; print the directory of the run."""
    if (deployment is None) == (url is None) or url == "":
        raise UsageError("name what to put under load: either --deployment or --target")
    if url and port:
        raise UsageError("--port is for the application of a deployment; a target has its port in its URL")
    if hosts and not url:
        raise UsageError("--hosts goes with --target; the application of a deployment serves this machine only")
    spec = RunSpec(
        deployment=deployment or "target",
        scenario=scenario,
        scale=scale,
        seed=seed,
        port=port,
        changes={name: options[name] for name in CHANGES if options[name] is not None},
        processes=hosts.processes(processes) if hosts else processes,
    )
    users = users_of_options(**{name: value for name, value in options.items() if name not in CHANGES})
    directory = run_folder.named(name) if name else run_folder.dated(f"{spec.deployment}-{scenario}")
    if url:
        record = _run_on_target(Target.parse(url), confirm_target, spec, directory, users, watch, hosts)
    else:
        record = _run_deployment(spec, directory, users, confirm_target, watch)
    _end(directory, record, allow_invalid)


def users_of_options(
    locustfile: Path | None, tags: tuple[str, ...], without_tags: tuple[str, ...], ca: Path | None, insecure: bool
) -> Users:
    """The user classes that options choose. Raises `UsageError` where they contradict each other."""
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
    application: Target,
    confirmed: str | None,
    spec: RunSpec,
    directory: Path,
    users: Users,
    watch: bool,
    hosts: HostOptions | None,
) -> dict:
    application.require_confirmed(confirmed)
    shown = f"{application.public()} {spec.scenario}", spec.load().expected_s(), directory, watch
    if hosts is None:
        with _showing(*shown):
            return target.execute(application, spec, directory, users)
    from .hosts import host_gathering, host_generator  # with ZeroMQ, which a load from one host does not need

    users.check()
    with host_gathering.gathered(hosts, application, users) as gathered, _showing(*shown):
        return target.execute(application, spec, directory, users, hosts=host_generator.RunHosts(gathered))


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

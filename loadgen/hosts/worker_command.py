"""`python -m loadgen worker`: this host's share of a load that a run on another host makes."""

from pathlib import Path

import click

from workbench.terminal import FiniteRange, echo

from .. import machine_lock
from ..target import Users

FILE = click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True)
LOCK = "worker"  # a worker may share a machine with the run itself


@click.command("worker")
@click.option("--master", required=True, metavar="HOST[:PORT]", help="Where the run is, as it prints it.")
@click.option("--locustfile", type=FILE, help="A copy of the run's locustfile, if it has one.")
@click.option("--confirm-target", metavar="HOST", help="The target's host, where it is not this machine.")
@click.option(
    "--wait", "wait_s", type=FiniteRange(1, 86_400), default=60.0, show_default=True, help="Seconds for a run."
)
def worker(master: str, locustfile: Path | None, confirm_target: str | None, wait_s: float) -> None:
    """Make this host's share of a load: join the run that waits for hosts at --master, and end with it.

    The secret of the hosts comes in TRACETRACK_HOSTS_SECRET.
    """
    from .. import host_secret  # with ZeroMQ, which other commands do not need
    from . import run_channel
    from .host_worker import HostWorker

    host, port = run_channel.parse_address(master)
    keys = host_secret.require()
    users = Users(locustfile)
    users.check()
    with machine_lock.sole_use(LOCK), run_channel.connected(host, port, keys) as channel:
        own = HostWorker(channel, users, lambda line: echo(line, err=True))
        own.work(own.join(confirm_target, wait_s))
    echo("done: all rows of this host are with the run", err=True)

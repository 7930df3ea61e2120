"""The options of `python -m loadgen run` for a load that several hosts make."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from workbench.errors import UsageError
from workbench.terminal import FiniteRange

MAX_PROCESSES = 64  # of a load generator, on whatever hosts
BIND = "127.0.0.1:5557"


@dataclass(frozen=True)
class HostOptions:
    """How many hosts to wait for, where (`bind`: an address with or without a port), and how long (s)."""

    hosts: int
    bind: str
    wait_s: float

    def processes(self, each: int) -> int:
        """The processes of all hosts. Raises `UsageError` for more than a load can have."""
        if self.hosts * each > MAX_PROCESSES:
            raise UsageError(f"{self.hosts} hosts with {each} processes each have more than {MAX_PROCESSES} processes")
        return self.hosts * each


def of_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as `hosts`: `HostOptions`, or None without `--hosts`."""

    @click.option("--hosts", "wanted", type=click.IntRange(1, MAX_PROCESSES), help="Other hosts that make the load.")
    @click.option("--bind", metavar="ADDRESS[:PORT]", help=f"Where they reach this host; {BIND} if not given.")
    @click.option(
        "--wait-hosts", "wait_s", type=FiniteRange(1, 86_400), help="Seconds to wait for them; 300 if not given."
    )
    @wraps(command)
    def with_hosts(*, wanted: int | None, bind: str | None, wait_s: float | None, **options: Any) -> Any:
        if wanted is None and (bind or wait_s):
            raise UsageError("--bind and --wait-hosts go with --hosts: the number of hosts that make the load")
        hosts = HostOptions(wanted, bind or BIND, wait_s or 300.0) if wanted else None
        return command(hosts=hosts, **options)

    return with_hosts

"""What the gates of a load over several hosts look at: the entries of the hosts in `run.json`."""

from collections.abc import Iterable, Mapping

COMPLETE = "complete"  # the status of a host whose files are all there


def lost(hosts: Iterable[Mapping]) -> int:
    """The number of hosts whose files are not all there."""
    return sum(host["status"] != COMPLETE for host in hosts)


def clock_error_ms(hosts: Iterable[Mapping]) -> float | None:
    """The largest error of an instant of any host on the axis of the run; None where one was not measured."""
    errors = [host.get("clock_error_ms") for host in hosts]
    known = [error for error in errors if error is not None]
    return max(known, default=None) if len(known) == len(errors) else None

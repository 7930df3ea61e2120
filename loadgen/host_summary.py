"""Lines about the hosts that made the load of a run."""

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.text_cleaning import Target, cleaned


def lines(record: Mapping[str, Any]) -> Iterator[str]:
    """A line for each host: its rows, and how its clock relates to that of the run's host."""
    for host in record.get("hosts", ()):
        name = cleaned(f"{host['name']} ({host['address']})", Target.LINE)
        yield f"host {name}: {host['rows']:,} rows, {host['lost'] or _clock_text(host)}"


def _clock_text(host: Mapping[str, Any]) -> str:
    clock, error_ms = host["clock"], host["clock_error_ms"]
    if clock is None or error_ms is None:
        return "its clock was not related to the run's"
    return (
        f"its monotonic clock {clock['offset_ns'] / 1e9:+,.3f} s ± {clock['uncertainty_ns'] / 1e6:.3f} ms from the "
        f"run's, known to {error_ms:.3f} ms until the end"
    )

"""Measure what the workbench itself costs: `make bench`, or `python -m bench [PART]…`.

To add a part: a module here with a `main`, whose docstring begins with the line for the help, and a row in `PARTS`.
"""

import inspect
import sys
from collections.abc import Sequence

import click

from loadgen import machine_lock
from workbench.errors import reporting_errors

from . import (
    analysis_scaling,
    cached_read,
    engine_comparison,
    history_cost,
    import_speed,
    instrumentation_cost,
    lab_cost,
    monitor_cost,
    monitor_recording,
    open_load,
    pool_cost,
    proxy_cost,
    quiet_machine,
    recorder_cost,
    recording_cost,
    render_cost,
    run_independence,
    run_overhead,
    safety_cost,
    scale_slopes,
    watch_cost,
)

# By name, in the order in which all of them are measured.
PARTS = {
    "recorder": recorder_cost,
    "recording": recording_cost,
    "open-load": open_load,
    "pool": pool_cost,
    "instrumentation": instrumentation_cost,
    "safety": safety_cost,
    "monitor": monitor_cost,
    "monitor-recording": monitor_recording,
    "cached-read": cached_read,
    "proxy": proxy_cost,
    "analysis": analysis_scaling,
    "history": history_cost,
    "engines": engine_comparison,
    "scale": scale_slopes,
    "import": import_speed,
    "quiet-machine": quiet_machine,
    "render": render_cost,
    "run-overhead": run_overhead,
    "run-independence": run_independence,
    "watch": watch_cost,
    "lab": lab_cost,
}


PEERS = "peers"  # a part with options of its own, which is only measured where it is named


class PartsCommand(click.Command):
    """A command whose help lists the parts."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the parts, each with the first line of its module's docstring."""
        lines = {name: (inspect.getdoc(module) or "").partition("\n")[0] for name, module in PARTS.items()}
        with formatter.section("Parts"):
            formatter.write_dl(list(lines.items()))
        with formatter.section("With options of its own, and only where it is named"):
            formatter.write_dl([(PEERS, f"Other load generators, and ways to a page: python -m bench {PEERS} --help")])


@click.command(cls=PartsCommand)
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)), metavar="[PART]...")
def main(parts: tuple[str, ...]) -> None:
    """Measure what the workbench itself costs, in PARTs, by default in all of them.

    Costs are ratios and medians over repeats, because machines are shared.
    """
    with machine_lock.sole_use():
        for name, module in PARTS.items():
            if not parts or name in parts:
                module.main()


def command(arguments: Sequence[str]) -> None:
    """Run the command line of these arguments."""
    if arguments[:1] == [PEERS]:
        from .peers import peers_command  # it imports what the other parts do without

        peers_command.main(list(arguments[1:]), prog_name=f"python -m bench {PEERS}", standalone_mode=False)
    else:
        main(list(arguments), prog_name="python -m bench", standalone_mode=False)


if __name__ == "__main__":
    with reporting_errors():
        command(sys.argv[1:])

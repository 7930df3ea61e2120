"""`python -m analysis show|compare|history|what-if|export|import`: runs in a terminal, and other tools' formats."""

import click

from workbench.command_line import hide_secrets
from workbench.errors import reporting_errors

from .cli.compare_command import compare
from .cli.export_command import export
from .cli.history_command import history
from .cli.import_command import import_results
from .cli.show_command import show
from .cli.what_if_command import what_if


@click.group()
def main() -> None:
    """Look at recorded runs, or import those of another tool."""


for subcommand in (show, compare, history, what_if, export, import_results):
    main.add_command(subcommand)


def command() -> None:
    """Run the command line; an expected error is one line and an exit code."""
    hide_secrets()
    with reporting_errors():
        main(prog_name="python -m analysis", standalone_mode=False)


if __name__ == "__main__":
    command()

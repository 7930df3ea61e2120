"""The option `--engine`: which engine computes the tables of request rows."""

import click

from workbench import engines


def _use(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        engines.use(value)


engine_option = click.option(
    "--engine",
    type=click.Choice([engines.DUCKDB, engines.DASK]),
    callback=_use,
    expose_value=False,
    help=f"Compute in this process, or on Dask: the scheduler of {engines.SCHEDULER}, else processes of this machine.",
)

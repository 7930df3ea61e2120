"""The same with Polars, where it is installed: `python -m bench.peers.polars_page ROWS PAGE`."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from workbench.errors import reporting_errors

from .planned_load import QUANTILES


@click.command()
@click.argument("rows", type=click.Path(path_type=Path, exists=True))
@click.argument("page", type=click.Path(path_type=Path))
def main(rows: Path, page: Path) -> None:
    """Write the PAGE of a Parquet file of request ROWS: counts and percentiles by endpoint."""
    pl: Any = import_module("polars")  # which the workbench does not need itself
    latency_ms = pl.col("latency_us") / 1000
    percentiles = [latency_ms.quantile(share).alias(name) for name, share in QUANTILES.items()]
    measured = pl.scan_parquet(rows).filter(pl.col("phase") == "measure")
    summary = measured.group_by("endpoint").agg(pl.len().alias("requests"), *percentiles).sort("endpoint").collect()
    page.write_text(summary._repr_html_())


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.peers.polars_page", standalone_mode=False)

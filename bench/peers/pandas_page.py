"""The shortest way from rows to a page with pandas: `python -m bench.peers.pandas_page ROWS PAGE`."""

from pathlib import Path

import click
import numpy as np
import pandas as pd

from workbench.errors import reporting_errors

from .planned_load import QUANTILES


@click.command()
@click.argument("rows", type=click.Path(path_type=Path, exists=True))
@click.argument("page", type=click.Path(path_type=Path))
def main(rows: Path, page: Path) -> None:
    """Write the PAGE of a Parquet file of request ROWS: counts and percentiles by endpoint."""
    frame = pd.read_parquet(rows, columns=["endpoint", "phase", "latency_us"])
    latency_us = frame[frame["phase"] == "measure"].groupby("endpoint", observed=True)["latency_us"]
    summary = latency_us.quantile(np.array(list(QUANTILES.values()))).unstack() / 1000
    summary.insert(0, "requests", latency_us.count())
    page.write_text(summary.to_html())


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.peers.pandas_page", standalone_mode=False)

"""Locust's own page of rows, which it is given one by one: `python -m bench.peers.locust_page ROWS PAGE`.

Locust keeps counters and no rows. What it does for each request while it sends, it does here for each row.
"""

from pathlib import Path

import click
import pyarrow.parquet as pq
from locust import FastHttpUser
from locust.env import Environment
from locust.html import get_html_report

from workbench.errors import reporting_errors

COLUMNS = ["endpoint", "latency_us", "bytes"]


class NoUser(FastHttpUser):
    """The class of users that a report of Locust needs."""

    host = "http://127.0.0.1"


@click.command()
@click.argument("rows", type=click.Path(path_type=Path, exists=True))
@click.argument("page", type=click.Path(path_type=Path))
def main(rows: Path, page: Path) -> None:
    """Write Locust's PAGE of a Parquet file of request ROWS."""
    environment = Environment(user_classes=[NoUser], host=NoUser.host)
    environment.create_local_runner()
    for batch in pq.ParquetFile(rows).iter_batches(columns=COLUMNS):
        for endpoint, latency_us, size in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            environment.stats.log_request("GET", endpoint, latency_us / 1000, size)
    page.write_text(get_html_report(environment))


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.peers.locust_page", standalone_mode=False)

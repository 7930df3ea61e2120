"""The readings of processes on other hosts, added to those of the run's own host (`process.parquet`)."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench import atomic
from workbench.validity import GENERATOR_ROLE

from .joined_host import readings_name

READINGS = "process.parquet"


def merge(directory: Path, hosts: Iterable[int]) -> None:
    """Add the readings of the generator's processes on these hosts, and remove their files.

    Their times count from the start of the run. The readings of the machines themselves are left out: the file has room
    for one machine, that of the run.
    """
    paths = [path for host in hosts if (path := directory / readings_name(host)).exists()]
    own = directory / READINGS
    if paths and own.exists():
        tables = [pq.read_table(own), *map(_of_generator, paths)]
        with atomic.replacing(own) as partial:
            pq.write_table(pa.concat_tables(tables).combine_chunks(), partial, compression="zstd")
    for path in paths:
        path.unlink()


def _of_generator(path: Path) -> pa.Table:
    table = pq.read_table(path)
    return table.filter(pc.starts_with(table["role"], GENERATOR_ROLE))

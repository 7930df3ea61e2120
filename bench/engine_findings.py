"""The findings of an experiment by the engine in use, in a process of its own.

`python -m bench.engine_findings DIRECTORY FILE`; `bench.engine_comparison` runs it with and without Dask.
"""

import resource
import time
from pathlib import Path

import click

from analysis.findings import findings_file
from analysis.findings.evaluation import evaluate
from workbench.errors import reporting_errors
from workbench.recording import open_experiment


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def main(directory: Path, file: Path) -> None:
    """Write the findings of the experiment in DIRECTORY into FILE; print the seconds and the peak memory in GiB."""
    start_s = time.perf_counter()
    experiment = open_experiment(directory, checks_digests=True)
    findings_file.write(evaluate(experiment), experiment, file)
    print(time.perf_counter() - start_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.engine_findings", standalone_mode=False)

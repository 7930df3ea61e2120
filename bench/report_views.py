"""All sections of a report, made once: `python -m bench.report_views DIRECTORY`.

`bench.analysis_scaling` runs it in a process of its own, whose peak of memory is that of the analysis alone.
"""

import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from analysis.findings.evaluation import evaluate
from reports import sections
from workbench.errors import reporting_errors
from workbench.recording import open_experiment


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(directory: Path) -> None:
    """Print the seconds that all sections of the experiment in DIRECTORY take, and the peak memory in GiB."""
    start_s = time.perf_counter()
    experiment = open_experiment(directory)
    report = sections.Report(experiment, evaluate(experiment))
    for section in _sections():
        section(report)
    print(time.perf_counter() - start_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def _sections() -> Iterator[Callable[..., object]]:
    for name in sections.__all__:
        if name != sections.Report.__name__:
            yield getattr(sections, name)


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.report_views", standalone_mode=False)

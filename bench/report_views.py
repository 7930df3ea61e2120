"""All tables and charts of a report, made once: `python -m bench.report_views DIRECTORY`.

`bench.analysis_scaling` runs it in a process of its own, whose peak of memory is that of the analysis alone.
"""

import inspect
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from analysis.findings.evaluation import evaluate
from reports import charts, sections
from workbench.errors import reporting_errors
from workbench.recording import open_experiment

BURST_USERS = (25, 50)
CHARTS = (
    charts.latency_by_endpoint,
    charts.percentiles,
    charts.where_time_goes,
    charts.growth,
    charts.timeline,
    charts.pool_use,
)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(directory: Path) -> None:
    """Print the seconds that all tables and charts of the experiment in DIRECTORY take, and the peak memory in GiB."""
    start_s = time.perf_counter()
    experiment = open_experiment(directory)
    report = sections.Report(experiment, evaluate(experiment))
    for section in _sections():
        if "users" in inspect.signature(section).parameters:
            for users in BURST_USERS:
                section(report, users)
        else:
            section(report)
    for chart in CHARTS:
        chart(report)
    print(time.perf_counter() - start_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def _sections() -> Iterator[Callable[..., object]]:
    for name in sections.__all__:
        if name != sections.Report.__name__:
            yield getattr(sections, name)


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.report_views", standalone_mode=False)

"""The views of a run in the lab, opened once: `python -m bench.lab_views DIRECTORY`.

`bench.lab_cost` runs it in a process of its own, as a new kernel would.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import click

from workbench.arms import SUSTAINED_100, TUNED
from workbench.errors import reporting_errors

SLOWEST_SHARE = 0.99


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(directory: Path) -> None:
    """Print, as JSON, the seconds from an empty kernel to the first plot of a run in DIRECTORY, and of a brush."""
    start_s = time.perf_counter()
    from lab import open_experiment  # a part of what is measured

    timeline = open_experiment(directory).run(TUNED, SUSTAINED_100).timeline()
    timeline._repr_mimebundle_()
    seconds = {"first_plot": time.perf_counter() - start_s}
    min_latency_ms = float(timeline.table["latency_ms"].quantile(SLOWEST_SHARE))
    seconds["brush"] = _taken_s(lambda: timeline.brush(min_latency_ms=min_latency_ms))
    seconds["second_brush"] = _taken_s(lambda: timeline.brush(min_latency_ms=2 * min_latency_ms))
    print(json.dumps(seconds))


def _taken_s(call: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    call()
    return time.perf_counter() - start_s


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.lab_views", standalone_mode=False)

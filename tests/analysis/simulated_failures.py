"""Experiments whose requests were drawn and of which some fail, read by the same queries as recorded ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.analysis import simulated
from workbench import aggregates
from workbench.arms import BASELINE, TUNED
from workbench.recording import Experiment
from workbench.request_rows import FILE, RequestRows
from workbench.request_schema import MEASURE, SCHEMA
from workbench.row_source import RowsFile, Source

BLOCKS, REQUESTS, UTILISATION = 4, 400, 0.5
SERVICE_US = 10_000
Fails = Callable[[np.random.Generator, np.ndarray], np.ndarray]  # from the times of a run's requests to what fails


class DrawnRows(RequestRows):
    """Rows that were drawn: a table with the columns of a recorded one, and `file` for its run."""

    def __init__(self, sources: list[Source], rows: pa.Table):
        super().__init__(sources)
        self._rows = rows

    def _streamed(self) -> pa.Table:
        return self._rows


def nothing(random: np.random.Generator, taken: np.ndarray) -> np.ndarray:
    """No request fails."""
    return np.zeros(taken.shape, dtype=bool)


def at_random(share: float) -> Fails:
    """This share of the requests fails, whatever time they would have taken."""
    return lambda random, taken: random.random(taken.shape) < share


def slowest(share: float) -> Fails:
    """The slowest requests of a run fail, as with a deadline."""
    return lambda random, taken: taken > np.quantile(taken, 1 - share, axis=-1, keepdims=True)


def experiments(
    random: np.random.Generator, number: int, before: Fails, after: Fails, *, speed: float = 1.0, at_once: bool = True
) -> Experiment:
    """Many experiments in one, each under a scenario of its own: `before` on the baseline, `after` on tuned.

    The times of tuned are `speed` times those of the baseline. A failure takes a hundredth of a service `at_once`, or
    the time that its request would have taken.
    """
    taken = simulated.responses(random, (number, 2, BLOCKS), REQUESTS, UTILISATION)
    taken *= np.exp(random.normal(0.0, 0.05, (number, 2, BLOCKS)))[..., np.newaxis]
    taken[:, 1] *= speed
    failed = np.stack([fails(random, taken[:, arm]) for arm, fails in enumerate((before, after))], axis=1)
    taken = np.where(failed & at_once, 0.01, taken)
    return _experiment(taken, failed)


def _file(run: str) -> RowsFile:
    return RowsFile(Path(run))


def _experiment(taken: np.ndarray, failed: np.ndarray) -> Experiment:
    sources = [
        Source(_file(name := f"{number}-{arm}-{block}"), (), name, arm, f"load-{number}", block, False)
        for number in range(len(taken))
        for arm in (BASELINE, TUNED)
        for block in range(BLOCKS)
    ]
    latency_us = np.round(SERVICE_US * taken).astype(np.int64).ravel()
    start_us = np.tile(np.arange(REQUESTS) * round(SERVICE_US / UTILISATION), len(sources))
    values = {
        "user": 0, "sequence": 1, "endpoint": "search", "phase": MEASURE, "scheduled_us": start_us,
        "start_us": start_us, "latency_us": latency_us, "response_us": latency_us, "ok": ~failed.ravel(),
        "error": "refused",
    }  # fmt: skip
    columns = {FILE: pa.array(np.repeat([str(source.file.path()) for source in sources], REQUESTS), pa.string())}
    for field in SCHEMA:
        value = values.get(field.name)
        filled = value if isinstance(value, np.ndarray) else [value] * len(latency_us)
        columns[field.name] = pa.array(filled).cast(field.type)
    experiment = Experiment(Path("drawn"), {}, ())
    by_run: pd.DataFrame = aggregates.by_run(DrawnRows(sources, pa.table(columns)))
    vars(experiment)["by_run"] = by_run
    return experiment

"""The values of the published report; `data/published/README.md` says where each file comes from."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from workbench import paths
from workbench.arms import BURST_25, BURST_50

BURSTS = {25: BURST_25, 50: BURST_50}  # our scenario for a number of published users at once


def load(name: str) -> pd.DataFrame:
    """One table of `data/published`, by the name of its file without `.csv`; units are in the names of the columns.

    Raises ValueError for an unknown name.
    """
    known = sorted(path.stem for path in paths.PUBLISHED.glob("*.csv"))
    if name not in known:
        raise ValueError(f"unknown published table: {name}; known: {', '.join(known)}")
    return pd.read_csv(paths.PUBLISHED / f"{name}.csv")


def rows(name: str) -> Iterator[Any]:
    """The rows of a table, the columns as attributes."""
    return load(name).itertuples(index=False)


def latency_threshold_ms() -> float:
    """The mean latency (ms) below which the published report calls single requests fast."""
    return float(load("individual")["threshold_ms"].max())

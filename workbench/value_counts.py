"""How often each value of a duration occurs, and the exact quantiles that follow: integer microseconds, by group."""

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from .mergeable_frame import COUNTS, UNKNOWN, VALUES

NONE = np.array([], dtype=np.int64)


class Values(NamedTuple):
    """The values of some rows in ascending order (µs), how many rows have at most each, and how many have none."""

    values_us: np.ndarray = NONE
    ends: np.ndarray = NONE
    unknown: int = 0

    @property
    def size(self) -> int:
        """The number of rows with a value."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def quantile_us(self, quantile: float) -> float:
        """The quantile (0 to 1), interpolated between neighbours like `quantile_cont` of SQL; NaN without a value."""
        if not self.size:
            return math.nan
        rank = (self.size - 1) * quantile
        below, above = math.floor(rank), math.ceil(rank)
        low_us, high_us = (float(self._at(place)) for place in (below, above))
        return low_us + (high_us - low_us) * (rank - below)

    def quantile_ms(self, quantile: float) -> float:
        """The same in ms."""
        return self.quantile_us(quantile) / 1000

    def _at(self, place: int) -> int:
        """The value at a place of all rows in ascending order, counted from 0."""
        return self.values_us[np.searchsorted(self.ends, place, side="right")]


class ValueCounts:
    """A frame of counted values: a group for each row of `keys`, which has a column for each key and each mark."""

    def __init__(self, keys: pd.DataFrame, groups: list[tuple[np.ndarray, np.ndarray, int]]):
        self._keys, self._groups = keys, groups

    @classmethod
    def from_frame(cls, table: pa.Table, marks: pd.DataFrame) -> "ValueCounts":
        """Of a frame by `run` and other keys; `marks` has the marks of each run, by which groups can be chosen too."""
        names = [name for name in table.column_names if name not in (VALUES, COUNTS, UNKNOWN)]
        keys = table.select(names).to_pandas().merge(marks, on="run", how="left")
        lists = [_lists(table[name]) for name in (VALUES, COUNTS)]
        return cls(keys, list(zip(*lists, table[UNKNOWN].to_pylist(), strict=True)))

    def where(self, conditions: Mapping[str, Any]) -> "ValueCounts":
        """The groups whose key or mark has this value, or one of these."""
        chosen = pd.Series(True, index=self._keys.index)
        for name, value in conditions.items():
            chosen &= self._keys[name].isin(value if isinstance(value, list | tuple) else [value])
        places = np.flatnonzero(chosen.to_numpy(bool))
        keys = self._keys.iloc[places].reset_index(drop=True)
        return ValueCounts(keys, [self._groups[place] for place in places])

    def all(self) -> Values:
        """The values of all groups together."""
        return _together(self._groups)

    def by(self, *keys: str) -> dict[Any, Values]:
        """The values by a key, or by a tuple of several."""
        places = self._keys.groupby(keys[0] if len(keys) == 1 else list(keys)).indices
        return {key: _together(self._groups[place] for place in each) for key, each in places.items()}


def _lists(column: pa.ChunkedArray) -> list[np.ndarray]:
    """The lists of a column; an empty one in place of null."""
    lists: list[np.ndarray] = []
    for chunk in column.chunks:
        assert isinstance(chunk, pa.ListArray)
        values, ends = chunk.values.to_numpy(), chunk.offsets.to_pylist()
        lists += [values[start:end] for start, end in pairwise(ends)]
    return lists


def _together(groups: Iterable[tuple[np.ndarray, np.ndarray, int]]) -> Values:
    several = list(groups)
    unknown = sum(number for _, _, number in several)
    if len(several) == 1:
        values, counts, _ = several[0]
        return Values(values, np.cumsum(counts), unknown)
    values, counts = (np.concatenate([NONE, *(group[place] for group in several)]) for place in (0, 1))
    distinct, places = np.unique(values, return_inverse=True)
    totals = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(totals, places, counts)
    return Values(distinct, np.cumsum(totals), unknown)

"""The first steps of every figure: check the names in its table, and make the panels to draw it on."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .palette import (
    ENDPOINT_COLOURS,
    INK,
    KIND_STYLES,
    NARROW_INCHES,
    PART_COLOURS,
    SERIES_COLOURS,
    WIDTH_INCHES,
)

STATISTICS = ("mean", "p90–p99")
NAMES: dict[str, Iterable[str]] = {
    "series": SERIES_COLOURS,
    "endpoint": ENDPOINT_COLOURS,
    "part": PART_COLOURS,
    "kind": KIND_STYLES,
    "statistic": STATISTICS,
}


_width_inches: ContextVar[float] = ContextVar("width_inches", default=WIDTH_INCHES)


@contextmanager
def narrow() -> Iterator[None]:
    """Draw figures for a phone in the block."""
    before = _width_inches.set(NARROW_INCHES)
    try:
        yield
    finally:
        _width_inches.reset(before)


def is_narrow() -> bool:
    """True where a figure is drawn for a phone: labels have no room beside the axes."""
    return _width_inches.get() < WIDTH_INCHES


def drawable(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Rows of `frame` without a missing value in `columns`; raises ValueError for a name that has no colour."""
    frame = frame.dropna(subset=columns)
    for column, names in NAMES.items():
        unknown = set(frame[column]) - set(names) if column in columns else ()
        if unknown:
            raise ValueError(f"unknown {column}: {', '.join(sorted(unknown))}; known: {', '.join(names)}")
    return frame


def present(values: Iterable[str], names: Iterable[str]) -> list[str]:
    """Those of `names` that occur in `values`, in the order of `names`."""
    occurring = set(values)
    return [name for name in names if name in occurring]


def one_panel(height_inches: float) -> tuple[Figure, Axes]:
    """A figure of the page's width with one panel."""
    figure, (axes,) = stacked_panels(1, height_inches)
    return figure, axes


def stacked_panels(count: int, height_inches: float, sharex: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure of the width of the page with `count` panels below each other."""
    figure = Figure(figsize=(_width_inches.get(), height_inches), layout="constrained")
    return figure, list(figure.subplots(count, 1, sharex=sharex, squeeze=False)[:, 0])


def not_measured() -> Figure:
    """The figure that stands for a table without rows."""
    figure, axes = one_panel(1.2)
    axes.set_axis_off()
    axes.text(0.5, 0.5, "not measured", ha="center", va="center", color=INK["muted"])
    return figure

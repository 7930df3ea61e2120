"""What all figures begin with: a table whose names are known, and panels to draw it on."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .palette import ENDPOINTS, INK, PARTS, SERIES, STATES, WIDTH_INCHES

KINDS = ("predicted", "measured", "published")
STATISTICS = ("mean", "p90–p99")
KNOWN = {
    "series": SERIES, "endpoint": ENDPOINTS, "part": PARTS, "kind": KINDS, "state": STATES, "statistic": STATISTICS,
}  # fmt: skip


def known(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The rows that can be drawn, once every name in them is one that has a colour."""
    frame = frame.dropna(subset=columns)
    for column, names in KNOWN.items():
        unknown = set(frame[column]) - set(names) if column in columns else ()
        if unknown:
            raise ValueError(f"unknown {column}: {', '.join(sorted(unknown))}; known: {', '.join(names)}")
    return frame


def present(values: Iterable[str], known: Iterable[str]) -> list[str]:
    found = set(values)
    return [name for name in known if name in found]


def one_panel(height_inches: float) -> tuple[Figure, Axes]:
    made, (axes,) = stacked_panels(1, height_inches)
    return made, axes


def stacked_panels(count: int, height_inches: float, sharex: bool = False) -> tuple[Figure, list[Axes]]:
    made = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    return made, list(made.subplots(count, 1, sharex=sharex, squeeze=False)[:, 0])


def not_measured() -> Figure:
    made, axes = one_panel(1.2)
    axes.set_axis_off()
    axes.text(0.5, 0.5, "not measured", ha="center", va="center", color=INK["muted"])
    return made

"""Effects of changes as a forest plot: a ratio and its interval in a row, beside the equivalence margin."""

import math
from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .marks import mark
from .palette import INK, STYLE, VERDICT_COLOURS
from .panels import is_narrow, not_measured, one_panel

ROW_INCHES = 0.195
NARROW_ROW_INCHES = 0.55
NARROW_CHARACTERS = 48  # of a line on a phone
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


class ForestRow(NamedTuple):
    """An effect, or a heading above a group of them, which has a label only.

    `low` and `high` are the interval of `ratio`, NaN without one. `verdict` is a key of `VERDICT_COLOURS`, and `text`
    stands at the right. `margin` is that of equivalence, of a row that has its own.
    """

    label: str
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan
    verdict: str = "reported"
    text: str = ""
    margin: float | None = None

    @property
    def is_heading(self) -> bool:
        """True for a row without an effect."""
        return math.isnan(self.ratio)


@matplotlib.rc_context(STYLE)
def forest(rows: Sequence[ForestRow], margin: float) -> Figure:
    """Draw a dot for each effect that has an interval, and a ring for one without.

    Ratios within [1/(1 + margin), 1 + margin] are equivalent: a grey band behind each row, of its own margin where it
    has one. A ratio of 0 or infinity has no place on the logarithmic axis; its row has the text only.
    """
    if all(row.is_heading for row in rows):
        return not_measured()
    figure, axes = one_panel(0.45 + (NARROW_ROW_INCHES if is_narrow() else ROW_INCHES) * len(rows))
    axes.set_xscale("log")
    _bands(axes, rows, margin)
    axes.axvline(1, color=INK["muted"], linewidth=0.8, zorder=1)
    for y, row in enumerate(rows):
        if row.is_heading:  # nothing crosses its text, and nothing stands above the first one
            top, bottom = _extent(y)
            face = axes.axhspan(top if y else _top() - 0.2, bottom, color=INK["face"], zorder=1.6, linewidth=0)
            face.set(clip_on=False, in_layout=False)  # else the ends of lines show as a dot at the edge
        else:
            _mark(axes, y, row)
        _label(axes, y, row)
    drawn = [value for row in rows for value in (row.ratio, row.low, row.high) if 0 < value < math.inf]
    axes.set_xlim(min([*drawn, 0.75]) / 1.15, max([*drawn, 1.4]) * 1.15)
    axes.set_ylim(_bottom(rows), _top())
    low, high = axes.get_xlim()
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"× {tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks([])
    axes.grid(axis="x")
    return figure


def _top() -> float:
    return -0.9 if is_narrow() else -0.6


def _bottom(rows: Sequence[ForestRow]) -> float:
    return len(rows) - 0.4


def _extent(y: int) -> tuple[float, float]:
    """The upper and the lower end of a row; on a phone its text stands above its mark."""
    return (y - 0.85, y + 0.15) if is_narrow() else (y - 0.5, y + 0.5)


def _bands(axes: Axes, rows: Sequence[ForestRow], margin: float) -> None:
    """One band for neighbours with the same margin, as a seam would show between two; none behind a heading."""
    of_rows = [None if row.is_heading else margin if row.margin is None else row.margin for row in rows]
    for each, group in groupby(enumerate(of_rows), key=lambda pair: pair[1]):
        if each is None:
            continue
        first, *others = (y for y, _ in group)
        last = others[-1] if others else first
        top, bottom = _extent(first)[0], _bottom(rows) if last == len(rows) - 1 else _extent(last)[1]
        left, right = 1 / (1 + each), 1 + each
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, color=INK["grid"], zorder=0, linewidth=0))


def _mark(axes: Axes, y: int, row: ForestRow) -> None:
    if not 0 < row.ratio < math.inf:
        return
    colour = VERDICT_COLOURS[row.verdict]
    has_interval = not math.isnan(row.low)
    if has_interval:
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=2.4, zorder=2)
    (dot,) = axes.plot([row.ratio], [y], marker="o", markersize=6.5, color=colour, markeredgewidth=1.6, zorder=3,
              markerfacecolor=colour if has_interval else INK["face"])  # fmt: skip
    mark(dot, tip=f"{row.label}: {row.text}")


def _label(axes: Axes, y: int, row: ForestRow) -> None:
    """The label and the text: beside the axis, or above the mark where there is no room beside it."""
    across = axes.get_yaxis_transform()
    weight = "bold" if row.is_heading else "normal"
    if is_narrow():
        lines = "\n".join(line for text in (row.label, row.text) for line in wrap(text, NARROW_CHARACTERS))
        # Out of the layout, which would make the axes narrower by the length of the text.
        axes.text(0, y - 0.25, lines, transform=across, va="bottom", color=INK["ink"], weight=weight, in_layout=False)
        return
    place, side = (0, "left") if row.is_heading else (-0.01, "right")
    axes.text(place, y, row.label, transform=across, va="center", ha=side, color=INK["ink"], weight=weight)
    axes.text(1.01, y, row.text, transform=across, va="center", ha="left", color=INK["muted"])

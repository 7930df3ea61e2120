"""A waterfall: the mean time of a request before a change, what each part adds or saves, and the time after it."""

import math
from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.arms import LABELS

from ..waterfall import LATENCY, PartChange
from .axes import clock, duration
from .marks import mark
from .palette import INK, PART_COLOURS, SERIES_COLOURS, STYLE
from .panels import is_narrow, not_measured, one_panel

ROW_INCHES = 0.22
OTHERS = "others"
MIN_SHARE = 0.005  # of the largest change: a smaller one is none that a reader sees
PART_LABELS = {
    OTHERS: "the other parts",
    "queue": "waiting for a worker",
    "pool": "connection pool",
    "db": "database",
    "hash": "password hash",
    "loop": "waiting for the event loop",
    "rest": "rest of the application",
}


@matplotlib.rc_context(STYLE)
def waterfall(changes: Mapping[str, PartChange], before: str, after: str) -> Figure:
    """Draw the bars from top to bottom: `before`, each part's change, `after`, with the interval of each change.

    `changes` is the result of `analysis.waterfall.waterfall`; `before` and `after` are names of series.
    """
    if not changes:
        return not_measured()
    total, parts = changes[LATENCY], _shown([change for name, change in changes.items() if name != LATENCY])
    figure, axes = one_panel(0.5 + ROW_INCHES * (len(parts) + 2))
    _bar(axes, 0, total.before_ms, before)
    level_ms = total.before_ms
    for y, part in enumerate(parts, start=1):
        _step(axes, y, part, level_ms)
        level_ms += part.change_ms
    _bar(axes, len(parts) + 1, total.after_ms, after)
    names = [LABELS[before], *(PART_LABELS.get(part.part, part.part) for part in parts), LABELS[after]]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(parts) + 1.6, -0.6)
    largest_ms = max(total.before_ms, total.after_ms)
    axes.set_xlim(0, largest_ms * (1.35 if is_narrow() else 1.12))
    axes.xaxis.set_major_formatter(clock(largest_ms))
    axes.grid(axis="x")
    return figure


def _shown(parts: Sequence[PartChange]) -> list[PartChange]:
    """The parts that change much or are the remainder, and the others together without an interval."""
    largest_ms = max(abs(part.change_ms) for part in parts)
    large = [part for part in parts if part.part == "residual" or abs(part.change_ms) >= MIN_SHARE * largest_ms]
    small = [part for part in parts if part not in large]
    if len(small) < 2:
        return list(parts)
    before_ms, after_ms = sum(part.before_ms for part in small), sum(part.after_ms for part in small)
    together = PartChange(OTHERS, before_ms, after_ms, after_ms - before_ms, math.nan, math.nan, small[0].blocks)
    return [*(part for part in large if part.part != "residual"), together, *large[-1:]]


def _bar(axes: Axes, y: int, value_ms: float, series: str) -> None:
    """The whole time, before or after."""
    axes.barh(y, value_ms, color=SERIES_COLOURS[series], height=0.66)
    _label(axes, y, value_ms, duration(value_ms))


def _step(axes: Axes, y: int, part: PartChange, from_ms: float) -> None:
    """The change of one part, from the level that the parts above it leave."""
    (bar,) = axes.barh(y, part.change_ms, left=from_ms, color=PART_COLOURS.get(part.part, INK["muted"]), height=0.66)
    text = f"{PART_LABELS.get(part.part, part.part)}: {_signed(part.change_ms)}"
    if part.interval:
        axes.plot([from_ms + part.low_ms, from_ms + part.high_ms], [y, y], color=INK["ink"], linewidth=1.2)
        text += f" ({_signed(part.low_ms)} to {_signed(part.high_ms)})"
    mark(bar, tip=text)
    right_ms = from_ms + max(part.change_ms, part.high_ms if part.interval else 0.0, 0.0)
    _label(axes, y, right_ms, _signed(part.change_ms))


def _signed(change_ms: float) -> str:
    return f"{'+' if change_ms >= 0 else '−'}{duration(abs(change_ms))}"


def _label(axes: Axes, y: int, x_ms: float, text: str) -> None:
    axes.annotate(text, (x_ms, y), (5, 0), textcoords="offset points", va="center", color=INK["ink"])

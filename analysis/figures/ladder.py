"""A ladder of durations on a logarithmic scale: measured set-ups, and between them what each step divides by."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.display import seconds_text

from .marks import mark
from .palette import INK, SERIES_COLOURS, STYLE
from .panels import is_narrow, not_measured, one_panel

ROW_INCHES, NARROW_ROW_INCHES = 0.3, 0.44
TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
PUBLISHED = "published"  # the series of a rung that was not measured here


class Rung(NamedTuple):
    """A set-up with its duration and interval (s), and the step to the next one: its label and factor as a text."""

    label: str
    series: str
    duration_s: float
    interval_s: tuple[float, float] | None = None
    step: str = ""
    factor: str = ""

    @property
    def right_s(self) -> float:
        """The right end of its mark."""
        return self.interval_s[1] if self.interval_s else self.duration_s


@matplotlib.rc_context(STYLE)
def ladder(rungs: Sequence[Rung]) -> Figure:
    """Draw a dot for each rung, from the slowest to the fastest, and a bar down to the next one."""
    if not rungs:
        return not_measured()
    rows = 2 * len(rungs) - 1
    figure, axes = one_panel(0.45 + rows * (NARROW_ROW_INCHES if is_narrow() else ROW_INCHES))
    axes.set_xscale("log")
    durations_s = [rung.duration_s for rung in rungs]
    axes.set_xlim(min(durations_s) / 1.5, max(durations_s) * 2.4)
    axes.set_ylim(rows - 0.4, -0.8 if is_narrow() else -0.6)
    axes.set_yticks([])
    for position, rung in enumerate(rungs):
        _rung(axes, 2 * position, rung)
        _label(axes, 2 * position, rung.label, is_rung=True)
        if position + 1 < len(rungs):
            _step(axes, 2 * position + 1, rung, rungs[position + 1])
            _label(axes, 2 * position + 1, rung.step, is_rung=False)
    low, high = axes.get_xlim()
    ticks = [tick for tick in TICKS_S if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g} s" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="x")
    return figure


def _rung(axes: Axes, y: int, rung: Rung) -> None:
    colour, ends = SERIES_COLOURS[rung.series], ""
    if rung.interval_s:
        axes.plot(rung.interval_s, [y, y], color=colour, linewidth=2)
        ends = " ({} to {})".format(*map(seconds_text, rung.interval_s))
    face = INK["face"] if rung.series == PUBLISHED else colour
    (dot,) = axes.plot([rung.duration_s], [y], marker="o", markersize=9, color=colour, markerfacecolor=face,
                       markeredgewidth=2)  # fmt: skip
    text = seconds_text(rung.duration_s)
    mark(dot, tip=f"{rung.label}: {text}{ends}")
    axes.annotate(text, (rung.right_s, y), (9, 0), textcoords="offset points", va="center", weight="bold",
                  color=INK["ink"])  # fmt: skip


def _step(axes: Axes, y: int, rung: Rung, following: Rung) -> None:
    """A bar from one rung to the next; a step to another machine is none of our own."""
    colour = INK["muted"] if rung.series == PUBLISHED else SERIES_COLOURS[following.series]
    axes.plot([rung.duration_s, following.duration_s], [y, y], color=colour, linewidth=6, solid_capstyle="butt")
    axes.annotate(rung.factor, (max(rung.duration_s, following.duration_s), y), (6, 0), textcoords="offset points",
                  va="center", color=INK["muted"])  # fmt: skip


def _label(axes: Axes, y: int, text: str, *, is_rung: bool) -> None:
    """The name of a rung or a step: beside the axis, or above its row where there is no room beside it."""
    x, height, side = (0, y - 0.42, "left") if is_narrow() else (-0.01, y, "right")
    axes.text(x, height, text, transform=axes.get_yaxis_transform(), va="center", ha=side,
              weight="bold" if is_rung else "normal", color=INK["ink" if is_rung else "muted"])  # fmt: skip

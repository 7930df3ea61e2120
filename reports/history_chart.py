"""A small chart of one headline metric over experiments: values, fences, levels and changes.

It has no text, as the drawings of `row_charts`: that stands beside it.
"""

from collections.abc import Iterable

from analysis.history import change_wording
from analysis.history.metric_series import SeriesPoint
from analysis.history.series_changes import SeriesVerdict

from .markup import Html, escaped

MAX_POINTS = 100  # the newest ones
MIN_RELATIVE_SPAN = 0.2  # of the axis: noise of some percent is drawn flat
PADDING = 4.0  # percent of width and height, on each side


def history_chart(verdict: SeriesVerdict) -> Html:
    """A dot with its interval for each experiment, a dashed line for a fence, a solid one for a change, and levels."""
    series = verdict.series
    first = max(0, len(series.points) - MAX_POINTS)
    axes = _Axes(first, len(series.points), _ends(series.points[first:]))
    pieces = [
        *(axes.vertical("boundary", index) for index in series.fences if index > first),
        *(
            axes.vertical(f"change {'worse' if change.is_worse else 'better'}", change.index)
            for change in verdict.changes
            if change.index > first
        ),
        *(
            axes.line("level", max(start, first) - 0.4, stop - 0.6, level, level)
            for start, stop, level in verdict.levels
            if stop > first
        ),
        *(axes.point(index, series.points[index], verdict) for index in range(first, len(series.points))),
    ]
    return Html(f'<svg class="history" aria-hidden="true" focusable="false">{"".join(pieces)}</svg>')


def _ends(points: Iterable[SeriesPoint]) -> list[float]:
    estimates = [point.value.estimate for point in points]
    return [end for each in estimates for end in (each.interval or (each.value,))]


class _Axes:
    """From indexes of points and from values to percent of the drawing."""

    def __init__(self, first: int, stop: int, values: list[float]):
        low, high = min(values), max(values)
        slack = max(0.0, MIN_RELATIVE_SPAN * high - (high - low)) / 2
        self._low, self._span = low - slack, high - low + 2 * slack
        self._first, self._count = first, stop - first

    def x(self, index: float) -> float:
        share = (index - self._first + 0.5) / self._count
        return round(PADDING + (100 - 2 * PADDING) * share, 2)

    def y(self, value: float) -> float:
        share = (value - self._low) / self._span if self._span else 0.5
        return round(100 - 2 * PADDING - (100 - 4 * PADDING) * share, 2)

    def line(self, kind: str, start: float, stop: float, first: float, last: float) -> str:
        """A line from one index and value to another."""
        return _line(kind, self.x(start), self.y(first), self.x(stop), self.y(last))

    def vertical(self, kind: str, index: int) -> str:
        """A line through the whole drawing, before a point."""
        x = self.x(index - 0.5)
        return _line(kind, x, 0, x, 100)

    def point(self, index: int, point: SeriesPoint, verdict: SeriesVerdict) -> str:
        """A dot, which names its experiment and value where the reader points at it, and its interval."""
        x, estimate = self.x(index), point.value.estimate
        value = change_wording.number_text(verdict.series.metric, point.number)
        ends = [self.y(end) for end in estimate.interval or ()]
        whisker = _line("interval", x, ends[0], x, ends[1]) if ends else ""
        title = f"<title>{escaped(f'{point.name}: {value}')}</title>"
        return f'{whisker}<circle class="value" cx="{x:g}%" cy="{self.y(point.number):g}%" r="3">{title}</circle>'


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:g}%" y1="{y1:g}%" x2="{x2:g}%" y2="{y2:g}%"/>'

"""Small drawings for the rows of a table: an interval beside its ratio, a step of a waterfall, a sparkline.

They have no text, which stands beside them in the row: so it is as large on a phone as everywhere, and a screen reader
hears it. Coordinates are percentages, so that a drawing takes the width that its cell has.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from analysis.stats.confidence import Estimate

from .tables import Html

MAX_RATIO = 20.0  # a ratio beyond it is drawn at the end of the axis
MIN_RATIO_SPAN = 1.25  # the axis of ratios reaches at least from 1/1.25 to 1.25
MIN_RELATIVE_SPAN = 0.2  # of a sparkline's axis: noise of some percent is drawn flat
PADDING = 4.0  # percent of the width left and right


def ratio_limits(ratios: Iterable[float]) -> tuple[float, float]:
    """The ends of an axis that has all of these ratios, symmetrical around 1."""
    logs = [abs(math.log(ratio)) for ratio in ratios if 0 < ratio < math.inf]
    reach = min(max([math.log(MIN_RATIO_SPAN), *logs]), math.log(MAX_RATIO))
    return math.exp(-reach), math.exp(reach)


def beyond(ratios: Iterable[float], limits: tuple[float, float]) -> str:
    """What a note says of the arrows, where one of these ratios lies beyond the axis; empty otherwise."""
    low, high = limits
    is_any = any(_is_below(ratio, low) or _is_above(ratio, high) for ratio in ratios)
    return " An arrow marks what reaches beyond it." if is_any else ""


def ratio_strip(
    ratio: float, interval: tuple[float, float] | None, margin: float, limits: tuple[float, float], kind: str
) -> Html:
    """A ratio with its interval on a logarithmic axis, over the equivalence margin; hollow without an interval.

    An arrow stands at the end of the axis where one of them reaches beyond it.
    `kind` is a CSS class that says how it is coloured: a verdict, or `none`.
    """

    def position(value: float) -> float:
        low, high = map(math.log, limits)
        log = math.log(value) if 0 < value < math.inf else high if value > 0 else low
        return _percent((min(max(log, low), high) - low) / (high - low))

    start, end = position(1 / (1 + margin)), position(1 + margin)
    return _svg(
        f"strip {kind}",
        f'<rect class="margin" x="{start:g}%" width="{round(end - start, 2):g}%" height="100%"/>',
        _line("unity", position(1), 0, position(1), 100),
        *([_line("interval", position(interval[0]), 50, position(interval[1]), 50)] if interval else []),
        *_arrows(interval or (ratio,), limits),
        "" if math.isnan(ratio) else _dot("" if interval else "hollow", position(ratio), 50),
    )


def step_strip(
    start: float, end: float, interval: tuple[float, float] | None, limits: tuple[float, float], kind: str
) -> Html:
    """A bar from `start` to `end` on a linear axis, with the interval of its end; all in one unit.

    `kind` is a CSS class: `total`, `less`, `more`, or `unexplained`.
    """

    def position(value: float) -> float:
        low, high = limits
        return _percent((min(max(value, low), high) - low) / (high - low))

    left, right = sorted((position(start), position(end)))
    return _svg(
        f"strip step {kind}",
        f'<rect class="bar" x="{left:g}%" y="20%" width="{round(max(right - left, 0.4), 2):g}%" height="60%"/>',
        *([_line("interval", position(interval[0]), 50, position(interval[1]), 50)] if interval else []),
    )


def sparkline(estimates: Sequence[Estimate], kind: str) -> Html:
    """Values in the order of time, joined by a line, each with its interval, the last one as a dot.

    The axis spans at least 20 % of the largest value. `kind` is a CSS class: the deployment.
    """
    values = [estimate.value for estimate in estimates]
    ends = [end for estimate in estimates for end in (estimate.interval or (estimate.value,))]
    low, high = min(ends), max(ends)
    slack = max(0.0, MIN_RELATIVE_SPAN * high - (high - low)) / 2
    low, high = low - slack, high + slack

    def height(value: float) -> float:
        return round(90 - 80 * (value - low) / (high - low), 2) if high > low else 50.0

    across = [_percent((number + 0.5) / len(values)) for number in range(len(values))]
    places = list(zip(across, map(height, values), strict=True))
    whiskers = [
        _line("interval", x, height(each.interval[0]), x, height(each.interval[1]))
        for x, each in zip(across, estimates, strict=True)
        if each.interval
    ]
    lines = [_line("trend", *first, *second) for first, second in pairwise(places)]
    return _svg(f"spark {kind}", *whiskers, *lines, _dot("", *places[-1]))


def _is_below(ratio: float, low: float) -> bool:
    return ratio < low and not math.isclose(ratio, low)


def _is_above(ratio: float, high: float) -> bool:
    return ratio > high and not math.isclose(ratio, high)


def _arrows(ends: Sequence[float], limits: tuple[float, float]) -> Iterator[str]:
    """At each end of the axis beyond which one of `ends` lies."""
    low, high = limits
    if any(_is_below(end, low) for end in ends):
        yield _arrow(_percent(0), "M0,-5 L-7,0 L0,5 Z")
    if any(_is_above(end, high) for end in ends):
        yield _arrow(_percent(1), "M0,-5 L7,0 L0,5 Z")


def _arrow(x: float, outline: str) -> str:
    """A path has no percentages: it is drawn around 0 in a picture of its own, which has a place in percent."""
    return f'<svg class="arrow" x="{x:g}%" y="50%"><path class="interval" d="{outline}"/></svg>'


def _percent(share: float) -> float:
    return round(PADDING + (100 - 2 * PADDING) * share, 2)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:g}%" y1="{y1:g}%" x2="{x2:g}%" y2="{y2:g}%"/>'


def _dot(kind: str, x: float, y: float) -> str:
    return f'<circle class="{f"value {kind}".strip()}" cx="{x:g}%" cy="{y:g}%" r="4"/>'


def _svg(kind: str, *pieces: str) -> Html:
    return Html(f'<svg class="{kind}" aria-hidden="true" focusable="false">{"".join(pieces)}</svg>')

"""A run that goes on, as a terminal shows it: a table of the last seconds, or one line."""

from collections.abc import Iterable, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from .run_progress import RunProgress
from .run_seconds import Second

SHOWN_SECONDS, SPARK_SECONDS = 10, 60
MAX_KINDS, MAX_KIND_CHARACTERS = 3, 60
BARS = "▁▂▃▄▅▆▇█"
NOTHING = "–"
# Column: header, how a second fills it, and the width of the terminal from which on it is shown.
COLUMNS = (
    ("s", lambda second: str(second.second), 0),
    ("ok/s", lambda second: f"{second.successes:,}", 0),
    ("failed/s", lambda second: f"{second.failures:,}", 0),
    ("p50 ms", lambda second: _ms(second.median_ms), 60),
    ("p95 ms", lambda second: _ms(second.p95_ms), 0),
    ("p99 ms", lambda second: _ms(second.p99_ms), 50),
    ("in flight", lambda second: _count(second.in_flight), 66),
    ("pool", lambda second: _count(second.pool_in_use), 76),
    ("pool waits", lambda second: _count(second.pool_waiting), 90),
)


def view(progress: RunProgress, width: int) -> Group:
    """The picture of a run for a terminal of so many columns."""
    seconds = progress.whole_seconds(SPARK_SECONDS)
    parts: list[Text | Table] = [_text(heading(progress), width, "bold"), _text(totals(progress), width)]
    if seconds:
        parts.append(_text(f"p95 {sparkline([second.p95_ms for second in seconds][-max(width - 5, 1) :])}", width))
        parts.append(_table(seconds[-SHOWN_SECONDS:], width))
    parts += [_text(each, width, "red") for each in (*faults(progress), *kinds(progress))]
    return Group(*parts)


def line(progress: RunProgress) -> str:
    """The run in one line, for a log."""
    newest = next((second for second in reversed(progress.whole_seconds(3)) if second.p95_ms is not None), None)
    p95 = f", p95 {_ms(newest.p95_ms)} ms" if newest else ""
    return f"{heading(progress)}: {totals(progress)}{p95}"


def heading(progress: RunProgress) -> str:
    """What runs, its phase, and the time or the requests that are left."""
    scenario = progress.scenario
    if scenario is None:
        return "starting"
    left_s, expected = progress.left_s, progress.expected_requests
    left = ""
    if progress.is_going and left_s is not None:
        left = f", {left_s:.0f} s left"
    elif progress.is_going and expected:
        left = f", {max(0, expected - progress.successes - progress.failures):,} requests left"
    return cleaned(redacted(f"{progress.deployment} {scenario.name}: {progress.phase}{left}"), Target.LINE)


def totals(progress: RunProgress) -> str:
    """Responses and failures so far."""
    return f"{progress.elapsed_s} s, {progress.successes:,} successful, {progress.failures:,} failed"


def faults(progress: RunProgress) -> list[str]:
    """The faults of the scenario that were made so far, each with when, on the time axis of the seconds."""
    return [f"fault from {band.start_s:.1f} s to {band.end_s:.1f} s: {band.title}" for band in progress.faults]


def kinds(progress: RunProgress) -> list[str]:
    """The most frequent failures."""
    shown = progress.errors[:MAX_KINDS]
    return [f"{number:,} × {cleaned(redacted(kind), Target.LINE, MAX_KIND_CHARACTERS)}" for kind, number in shown]


def sparkline(values: Iterable[float | None]) -> str:
    """Values as bars from 0 to the largest; a blank where there is none."""
    known = list(values)
    largest = max((value for value in known if value is not None), default=0.0)
    return "".join(" " if value is None else BARS[_height(value, largest)] for value in known)


def _height(value: float, largest: float) -> int:
    return min(len(BARS) - 1, int(len(BARS) * value / largest)) if largest else 0


def _table(seconds: Sequence[Second], width: int) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), expand=False)
    columns = [(header, fill) for header, fill, least in COLUMNS if width >= least]
    for header, _ in columns:
        table.add_column(header, justify="right", no_wrap=True)
    for second in seconds:
        table.add_row(*(fill(second) for _, fill in columns), style="red" if second.failures else None)
    return table


def _text(content: str, width: int, style: str = "") -> Text:
    text = Text(content, style=style, no_wrap=True)
    text.truncate(max(width, 1), overflow="ellipsis")
    return text


def _ms(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"

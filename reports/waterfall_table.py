"""A waterfall as a table: the mean latency of both sides, and between them a row for what each part changed by."""

from typing import NamedTuple

import pandas as pd

from analysis.findings import wording
from analysis.waterfall_between import Step, Waterfall

from .markup import Html, escaped
from .row_charts import step_strip
from .tables import table

MIN_SHOWN_MS = 0.005  # a part that takes less on both sides has no row


class _Columns(NamedTuple):
    """The names of the columns with both values and with the difference."""

    values: str
    difference: str


def waterfall_table(each: Waterfall, before: str, after: str) -> Html:
    """The table of a waterfall whose sides have these names."""
    columns = _Columns(f"{before} → {after} (ms)", f"{after} − {before}, ms (95 % interval)")
    latency, limits = each.latency, (0.0, _reach(each))
    position, rows = latency.before_ms, [_total_row(f"mean latency in {before}", columns, latency.before_ms, limits)]
    for step in each.parts:
        if max(abs(step.before_ms), abs(step.after_ms)) >= MIN_SHOWN_MS:
            rows.append(_step_row(step, columns, position, limits))
        position += step.difference_ms
    rows.append(_unexplained_row(each, columns, position, limits))
    rows.append(_total_row(f"mean latency in {after}", columns, latency.after_ms, limits, latency))
    subject = each.scenario if each.deployment == after else f"{each.deployment} under {each.scenario}"
    return table(pd.DataFrame(rows, dtype=object), f"{subject}: from {before} to {after}", note=_note(each))


def _note(each: Waterfall) -> str:
    if not each.unmeasured:
        return ""
    parts = ", ".join(wording.PART_NAMES.get(part, part) for part in each.unmeasured)
    return f"Measured in one of them only, and so part of what is unexplained: {parts}."


def _reach(each: Waterfall) -> float:
    """The end of the axis (ms): the largest position of any step, and of any end of an interval."""
    position, ends = each.latency.before_ms, [each.latency.before_ms, each.latency.after_ms]
    for step in each.parts:
        ends += [position, position + step.difference_ms, *(position + end for end in step.interval or ())]
        position += step.difference_ms
    return max(*ends, MIN_SHOWN_MS)


def _total_row(
    name: str, columns: _Columns, value_ms: float, limits: tuple[float, float], change: Step | None = None
) -> dict:
    difference = "" if change is None else _difference(change)
    strip = step_strip(0.0, value_ms, None, limits, "total")
    return {"part": name, columns.values: _milliseconds(value_ms), columns.difference: _measured(difference, strip)}


def _step_row(step: Step, columns: _Columns, position_ms: float, limits: tuple[float, float]) -> dict:
    interval = None if step.interval is None else (position_ms + step.interval[0], position_ms + step.interval[1])
    end_ms = position_ms + step.difference_ms
    kind = "less" if step.difference_ms <= -MIN_SHOWN_MS else "more" if step.difference_ms >= MIN_SHOWN_MS else "same"
    strip = step_strip(position_ms, end_ms, interval, limits, kind)
    name = wording.PART_NAMES.get(step.part, step.part)
    shift = f"{_milliseconds(step.before_ms)} → {_milliseconds(step.after_ms)}"
    return {"part": name, columns.values: shift, columns.difference: _measured(_difference(step), strip)}


def _unexplained_row(each: Waterfall, columns: _Columns, position_ms: float, limits: tuple[float, float]) -> dict:
    end_ms = position_ms + each.unexplained_ms
    strip = step_strip(position_ms, end_ms, None, limits, "unexplained")
    return {
        "part": "unexplained", columns.values: "", columns.difference: _measured(_signed(each.unexplained_ms), strip),
    }  # fmt: skip


def _measured(text: str, strip: Html) -> Html:
    return Html(f'<div class="measured"><span>{escaped(text)}</span>{strip}</div>')


def _difference(step: Step) -> str:
    """`−1.10 (−1.25 to −0.95)`; without an interval the difference alone."""
    ends = "" if step.interval is None else f" ({' to '.join(map(_signed, step.interval))})"
    return f"{_signed(step.difference_ms)}{ends}"


def _signed(value_ms: float) -> str:
    text = _milliseconds(value_ms)
    return text if text == "0.00" or value_ms < 0 else f"+{text}"


def _milliseconds(value_ms: float) -> str:
    """Milliseconds with three digits, and at most two decimals; 0.00 has no sign."""
    size = abs(value_ms)
    text = f"{value_ms:,.{0 if size >= 100 else 1 if size >= 10 else 2}f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")

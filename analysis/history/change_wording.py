"""Sentences about the history: what changed between which experiments, what drifts, and what has no verdict yet."""

from collections import Counter
from collections.abc import Iterator, Sequence

from workbench.display import milliseconds_form, seconds_form

from ..findings.wording import counted, p_text
from ..stats.change_points import LEVEL
from .code_between import CodeBetween, commit_text
from .experiment_summary import INCOMPLETE, INVALID
from .headline_values import MARGIN, HeadlineMetric
from .metric_series import MetricSeries, SeriesPoint
from .series_changes import MIN_EXPERIMENTS, SeriesChange, SeriesDrift, SeriesVerdict
from .summary_store import Summaries

CHANGED, UNREADABLE = "changed after it was sealed", "unreadable"


def series_name(series: MetricSeries) -> str:
    """`tuned burst-50 duration`."""
    return f"{series.key.arm} {series.key.scenario} {series.key.metric}"


def number_text(metric: HeadlineMetric, value: float) -> str:
    """A value with its unit, with the digits that a report shows."""
    forms = {"s": seconds_form, "ms": milliseconds_form}
    return forms[metric.unit](value).format(value) if metric.unit else f"{value:.1f}"


def change_sentence(change: SeriesChange) -> str:
    """The change in one sentence: the values, the experiments with their commits, and how sure it is."""
    metric, code = change.series.metric, CodeBetween.of(change.before.value.code, change.after.value.code)
    values = " → ".join(number_text(metric, value) for value in (change.before_value, change.after_value))
    return (
        f"{series_name(change.series)}: {values} ({_percent(change.ratio)}, {_ends(change)}) between "
        f"{_named(change.before)} and {_named(change.after)}, {code.text()}; {_kind(change)}, "
        f"{p_text(change.p_value)}, {change.count_before} and {counted(change.count_after, 'experiment')}"
    )


def drift_sentence(drift: SeriesDrift) -> str:
    """A drift in one sentence."""
    metric, points = drift.series.metric, drift.series.points
    values = " → ".join(number_text(metric, value) for value in (drift.first_value, drift.last_value))
    first, last = points[drift.start].name, points[drift.stop - 1].name
    return (
        f"{series_name(drift.series)} drifts: {values} ({_percent(drift.ratio)}) from {first} to {last}, over "
        f"{counted(drift.stop - drift.start, 'experiment')}, and at no one place; {p_text(drift.p_value)}"
    )


def unsettled_sentences(verdict: SeriesVerdict) -> Iterator[str]:
    """Yield a sentence for each piece whose values are not of one level, and in which no change is certain."""
    points = verdict.series.points
    for start, stop in verdict.unsettled:
        yield (
            f"{series_name(verdict.series)} is not of one level from {points[start].name} to {points[stop - 1].name}, "
            "but its values resemble the ones before them too much for a change to be certain"
        )


def family_sentence(verdicts: Sequence[SeriesVerdict]) -> str:
    """How many series were searched, and how often a change would stand here if there was none."""
    searched = sum(each.is_searched for each in verdicts)
    if not searched:
        return ""
    return (
        f"{searched} series searched. If nothing had changed in any of them, a change would stand here with a "
        f"probability of at most {100 * LEVEL:.0f} %. Intervals are 95 %, and not corrected for the search."
    )


def short_sentence(verdicts: Sequence[SeriesVerdict]) -> str:
    """Which series are too short for a verdict since their newest fence; empty where none is."""
    short = [each.missing for each in verdicts if each.missing]
    if not short:
        return ""
    more = f"{min(short)} more" if min(short) == max(short) else f"{min(short)} to {max(short)} more"
    return (
        f"No verdict yet on what is newest in {len(short)} series: {MIN_EXPERIMENTS} experiments without a fence "
        f"between them are needed, {more}."
    )


def left_out_sentence(summaries: Summaries) -> str:
    """How many experiments enter no series, by reason; empty where all do."""
    reasons = Counter(each.left_out for each in summaries.experiments if each.left_out)
    reasons[CHANGED] = summaries.changed
    reasons[UNREADABLE] = len(summaries.problems) - summaries.changed
    named = [f"{reasons[reason]} {reason}" for reason in (INCOMPLETE, INVALID, CHANGED, UNREADABLE) if reasons[reason]]
    return f"Left out of all series: {', '.join(named)}." if named else ""


def commit_lines(change: SeriesChange) -> Iterator[str]:
    """Yield the commits between, the newest first, and how many more there are."""
    code = CodeBetween.of(change.before.value.code, change.after.value.code)
    yield from code.commits
    if code.count and code.count > len(code.commits):
        yield f"and {code.count - len(code.commits)} older ones"


def _named(point: SeriesPoint) -> str:
    return f"{point.name} ({commit_text(point.value.code)})"


def _kind(change: SeriesChange) -> str:
    direction = "worse" if change.is_worse else "better"
    kind = f"within {100 * MARGIN:.0f} %" if change.is_small else direction
    return kind if change.is_step else f"{kind}, at one place or by a drift"


def _ends(change: SeriesChange) -> str:
    """Both ends of the interval: `15 to 28 %`."""
    low, high = (_percent_number(end) for end in change.interval)
    return f"{low} to {high} %"


def _percent(ratio: float) -> str:
    """The distance of a ratio from 1: `+21 %`."""
    return f"{'+' * (ratio >= 1)}{_percent_number(ratio)} %"


def _percent_number(ratio: float) -> str:
    """The same without sign of a rise and without unit; below 10 with a decimal."""
    percent = 100 * (ratio - 1)
    return f"{percent:.{0 if abs(percent) >= 9.95 else 1}f}".replace("-", "−")

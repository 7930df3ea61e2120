"""The section of the index on changes over experiments: a small chart a headline metric, and a line a change."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from analysis.history import change_wording
from analysis.history.metric_series import all_series
from analysis.history.series_changes import SeriesChange, SeriesVerdict, newest_first, verdicts
from analysis.history.summary_store import Summaries
from workbench.paths import runs_directory

from .history_chart import MAX_POINTS, history_chart
from .markup import Html, escaped
from .numerals import SECTION
from .page_frame import Section
from .sections.comparison import join, plural
from .tables import Verdict, folded, remark

HEADING = "Changes over experiments"
MAX_CHARTS = 12  # of one profile or application
MAX_CHANGES = 50  # the newest ones
LEGEND = (
    "A dot is an experiment with its interval, a bar the mean level. A dashed line is a fence: machine, versions, data "
    "or method changed. A solid line is a change between two experiments."
)


def history_section() -> list[Section]:
    """The section, of the recorded experiments; none where no metric was measured in two of them."""
    summaries = Summaries.of_folder(runs_directory())
    of_series = verdicts(all_series(summaries.experiments))
    if not of_series:
        return []
    sentences = (
        change_wording.family_sentence(of_series),
        change_wording.short_sentence(of_series),
        change_wording.left_out_sentence(summaries),
    )
    content = join(
        _changes(newest_first(of_series)),
        _uncertain(of_series),
        *(_charts(list(group)) for _, group in groupby(_shown_first(of_series), key=_group)),
        remark(LEGEND),
        Html("".join(f'<p class="note">{escaped(text)}</p>\n' for text in sentences if text)),
    )
    return [Section(HEADING, Html(f'<div data-source="{SECTION}">\n{content}\n</div>'))]


def _group(verdict: SeriesVerdict) -> tuple[str, str]:
    return verdict.series.key.machine, verdict.series.key.subject


def _shown_first(of_series: Sequence[SeriesVerdict]) -> list[SeriesVerdict]:
    """By machine and subject, what changed and the headline metrics first."""
    return sorted(of_series, key=lambda each: (*_group(each), not each.changes, not each.series.is_headline))


def _changes(changes: Sequence[SeriesChange]) -> Html:
    if not changes:
        return Html("<p>No change is known.</p>")
    items = "".join(f"<li>{_change(change)}</li>\n" for change in changes[:MAX_CHANGES])
    older = max(0, len(changes) - MAX_CHANGES)
    note = f"{older} older changes are not listed; python -m analysis history lists them."
    return join(Html(f'<ul class="changes">\n{items}</ul>'), *[remark(note)] * bool(older))


def _uncertain(of_series: Sequence[SeriesVerdict]) -> Html:
    """What drifts, and what is of no one level."""
    sentences = [
        *(change_wording.drift_sentence(drift) for each in of_series for drift in each.drifts),
        *(sentence for each in of_series for sentence in change_wording.unsettled_sentences(each)),
    ]
    return Html("".join(f"<p>{escaped(sentence)}.</p>\n" for sentence in sentences))


def _change(change: SeriesChange) -> str:
    verdict = Verdict.REGRESSION if change.is_worse else Verdict.IMPROVEMENT
    if change.is_small:
        verdict = Verdict.EQUIVALENT
    lines = "".join(f"<li>{escaped(line)}</li>\n" for line in change_wording.commit_lines(change))
    commits = folded("Commits between", Html(f"<ul>\n{lines}</ul>")) if lines else ""
    return f"{verdict.pill()} {escaped(change_wording.change_sentence(change))}{commits}"


def _charts(of_series: Sequence[SeriesVerdict]) -> Html:
    """The charts of one profile or application on one machine, and in a fold its fences."""
    machine, subject = _group(of_series[0])
    wanted = [each for each in of_series if each.changes or each.series.is_headline]
    shown = wanted[:MAX_CHARTS]
    if not shown:
        return Html("")
    hidden = len(of_series) - len(shown)
    charts = "".join(f'<div class="trend">{_label(each)}{history_chart(each)}</div>\n' for each in shown)
    return join(
        Html(f"<h3>{escaped(f'{subject}, {machine}')}</h3>"),
        Html(f'<div class="trends">\n{charts}</div>'),
        remark(f"Not drawn: {hidden} series without a change.") if hidden else Html(""),
        _fences(shown),
    )


def _label(verdict: SeriesVerdict) -> str:
    """The name of a series, its newest value, and the smallest and largest one that is drawn."""
    series = verdict.series
    numbers = [point.number for point in series.points[-MAX_POINTS:]]
    newest, smallest, largest = (
        change_wording.number_text(series.metric, number) for number in (numbers[-1], min(numbers), max(numbers))
    )
    count = len(series.points)
    drawn = f"the newest {MAX_POINTS} of {count} experiments" if count > MAX_POINTS else plural(count, "experiment")
    values = f"{newest} now, {smallest} to {largest} in {drawn}"
    return f"<p><b>{escaped(change_wording.series_name(series))}</b> {escaped(values)}</p>"


def _fences(of_series: Sequence[SeriesVerdict]) -> Html:
    texts = dict.fromkeys(text for each in of_series for text in _fence_texts(each))
    items = "".join(f"<li>{escaped(text)}</li>\n" for text in texts)
    return folded(plural(len(texts), "fence"), Html(f"<ul>\n{items}</ul>")) if texts else Html("")


def _fence_texts(verdict: SeriesVerdict) -> Iterator[str]:
    points = verdict.series.points
    for index, changed in verdict.series.fences.items():
        yield f"{points[index - 1].name} to {points[index].name}: {', '.join(changed)}"

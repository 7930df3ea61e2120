"""Tables of a comparison of two experiments: verdicts with intervals, waterfalls, and what else differs."""

from collections.abc import Sequence

import pandas as pd

from analysis import comparison_wording
from analysis.cli.compare_command import failures_frame
from analysis.findings import wording
from analysis.recording_comparison import ComparedMetric, ExperimentComparison
from analysis.waterfall_between import waterfall_between
from workbench.arms import BASELINE, BURST_50, TUNED
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from .row_charts import beyond, ratio_limits, ratio_strip
from .sections.comparison import join, plural, prose
from .tables import Html, Verdict, folded, table
from .waterfall_table import waterfall_table

MAX_OPEN_ROWS = 25
OPEN_ARMS = ((BASELINE, BURST_50), (TUNED, BURST_50))  # their waterfalls are open, where both experiments have them
CHANGE, RATIO = "metric and arm", "B ÷ A (95 % interval)"


def verdicts(comparison: ExperimentComparison) -> Html:
    """Every metric that was compared: differences and what is inconclusive open, the rest in folds."""
    metrics = comparison.metrics()
    open_rows = [each for each in metrics if each.verdict not in ("equivalent", None)]
    equivalent = [each for each in metrics if each.verdict == "equivalent"]
    unjudged = [each for each in metrics if each.verdict is None]
    if not open_rows:
        open_rows, equivalent = (equivalent or unjudged)[:MAX_OPEN_ROWS], equivalent[MAX_OPEN_ROWS:]
        unjudged = [each for each in unjudged if each not in open_rows]
    shown, rest = open_rows[:MAX_OPEN_ROWS], open_rows[MAX_OPEN_ROWS:]
    pieces = [_verdict_table(comparison, shown, "Metrics of B over those of A, by verdict, the largest change first")]
    captions = ("The next metrics, by verdict", "Metrics that are equivalent in A and B", "Metrics without a verdict")
    for caption, rows in zip(captions, (rest, equivalent, unjudged), strict=True):
        if rows:
            pieces.append(folded(f"{caption} ({len(rows)})", _verdict_table(comparison, rows, caption)))
    return join(*pieces)


def _verdict_table(comparison: ExperimentComparison, rows: Sequence[ComparedMetric], caption: str) -> Html:
    ends = [end for each in rows for end in (each.effect.interval or (each.effect.ratio,))]
    limits = ratio_limits(ends)
    low, high = (wording.ratio_text(limit) for limit in limits)
    frame = pd.DataFrame([_verdict_row(comparison, each, limits) for each in rows], dtype=object)
    note = f"The axis of the intervals reaches from {low} to {high}, with a line at 1.{beyond(ends, limits)}"
    return table(frame, caption, note=note)


def _verdict_row(comparison: ExperimentComparison, each: ComparedMetric, limits: tuple[float, float]) -> dict:
    effect = each.effect
    strip = ratio_strip(effect.ratio, effect.interval, each.metric.equivalence_margin, limits, each.verdict or "none")
    return {
        CHANGE: each.name,
        RATIO: _measured(wording.ratio_with_interval(effect), strip),
        "verdict": _verdict(comparison, each),
    }


def _verdict(comparison: ExperimentComparison, each: ComparedMetric) -> Html:
    """The verdict as a pill; below it what would decide an inconclusive metric, or why there is no verdict."""
    if each.verdict is None:
        return Html(shown(comparison_wording.absence_of_verdict(comparison, each)))
    verdict = Verdict(each.verdict).value
    requirement = comparison_wording.decision_requirement(each)
    below = f'<span class="requirement">{shown(requirement)}</span>' if requirement else ""
    return Html(f'<span class="pill {verdict}">{verdict}</span>{below}')


def waterfalls(comparison: ExperimentComparison) -> Html | None:
    """What each part of the time of a request changed by, in each arm of both; None where neither recorded parts."""
    by_arm = {arm: waterfall_between(comparison.before, comparison.after, *arm) for arm in comparison.compared_arms()}
    drawn = {arm: each for arm, each in by_arm.items() if each is not None}
    if not drawn:
        return None
    opened = [arm for arm in OPEN_ARMS if arm in drawn] or list(drawn)[:1]
    others = [waterfall_table(drawn[arm], "A", "B") for arm in drawn if arm not in opened]
    pieces = [
        prose(
            "Mean latency of the successful responses in A, what each part of it changed by, and the mean latency in "
            "B. The parts are means, as only means add up. Unexplained is what they do not contain."
        ),
        *(waterfall_table(drawn[arm], "A", "B") for arm in opened),
    ]
    if others:
        pieces.append(folded(f"The same for {plural(len(others), 'more arm')}", join(*others)))
    if missing := [f"{deployment} under {scenario}" for deployment, scenario in by_arm.keys() - drawn.keys()]:
        reasons = "No successful responses or server timing on one side, or dropped arrivals"
        pieces.append(prose(f"{reasons}: {', '.join(sorted(missing))}."))
    return join(*pieces)


def environment(comparison: ExperimentComparison) -> Html | None:
    """The facts that the two do not share; None where there are none."""
    if not comparison.changes:
        return None
    rows = [
        {
            "fact": f"{change.kind}: {change.name}",
            "A → B": f"{change.before} → {change.after}",
            "what it means": "no verdict" if change.is_decisive else "may be a cause",
        }
        for change in comparison.changes
    ]
    return table(pd.DataFrame(rows, dtype=object), "Facts in which A and B differ, beside their deployments")


def failures(comparison: ExperimentComparison) -> Html | None:
    """Failures and dropped arrivals of each arm; None where there was neither."""
    frame = failures_frame(comparison)
    counts = frame.drop(columns=["deployment", "scenario"])
    has_any = counts.apply(lambda column: ~column.isin(["none", 0]) & column.notna()).any(axis=1)
    if not has_any.any():
        return None
    rows = frame[has_any].assign(deployment=frame["deployment"] + " under " + frame["scenario"])
    rows = rows.drop(columns="scenario").rename(columns={"deployment": "arm"}).astype(object)
    return table(rows, "Failures and dropped arrivals; the arms that are not listed had none")


def _measured(text: str, strip: Html) -> Html:
    return Html(f'<div class="measured"><span>{shown(text)}</span>{strip}</div>')


def shown(text: str) -> str:
    """A text as it stands on the page: without secrets, escaped."""
    return cleaned(redacted(text), Target.HTML)

"""The built reports as a list: an entry each, and a fence where the values on both sides of it do not line up."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from analysis import environment_facts
from analysis.environment_facts import COMMIT, CORES, LOCAL_CHANGES, MEMORY, POSTGRESQL, PROCESSOR, PYTHON, SCALE
from analysis.history import HEADLINE
from analysis.stats.confidence import Estimate
from workbench.arms import BASELINE, TUNED
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from .report_entry import GONE, ReportEntry
from .row_charts import sparkline
from .sections.comparison import interval_suffix
from .tables import Html

LABELS = {BASELINE: "published set-up, run here", TUNED: "tuned"}
OBJECTIVES, WHOLE = "objectives", ' class="whole"'  # a fact with sentences, and the class of one as wide as its entry
MAX_POINTS = 30  # of a sparkline: the entry and the comparable ones before it
MAX_NAMED = 6  # changes in a fence


def entries_html(folder: Path, entries: Sequence[ReportEntry]) -> Html:
    """The entries, the newest first, with fences between them."""
    states = [entry.state_of_recording() for entry in entries]
    trusted = [entry for entry, (kind, _) in zip(entries, states, strict=True) if kind in ("", GONE)]
    pieces = []
    for place, (entry, state) in enumerate(zip(entries, states, strict=True)):
        pieces.append(_entry(folder, entry, state, trusted))
        if place + 1 < len(entries):
            pieces.append(_fence(entries[place + 1], entry))
    return Html("\n".join(piece for piece in pieces if piece))


def _fence(older: ReportEntry, newer: ReportEntry) -> str:
    """What changed from the entry below to the one above, where their values do not line up; else nothing."""
    changes = environment_facts.fences(older.facts, newer.facts)
    if not changes:
        return ""
    more = f", {len(changes) - MAX_NAMED} more" if len(changes) > MAX_NAMED else ""
    named = ", ".join(map(str, changes[:MAX_NAMED]))
    is_decisive = any(change.is_decisive for change in changes)
    label = "Values above and below do not compare" if is_decisive else "A difference across this line may come from"
    return f'<p class="fence"><strong>{label}:</strong> {_shown(named + more)}</p>'


def _entry(folder: Path, entry: ReportEntry, state: tuple[str, str], trusted: Sequence[ReportEntry]) -> str:
    name, page = _shown(entry.experiment), folder / entry.page
    link = f'<a href="{cleaned(quote(entry.page), Target.HTML)}">{name}</a>' if page.exists() else name
    time = f'<time datetime="{_shown(entry.started)}Z">{_shown(entry.started.replace("T", " "))} UTC</time>'
    facts = "".join(
        f"<div{WHOLE if label == OBJECTIVES else ''}><dt>{_shown(label)}</dt><dd>{value}</dd></div>"
        for label, value in _facts(entry, trusted)
    )
    return (
        f'<article class="entry">\n<h3>{link}{time if entry.started else ""}</h3>\n<p>{_shown(entry.verdict)}</p>\n'
        f'{_warnings(page, state)}<dl class="facts">{facts}</dl>\n</article>'
    )


def _warnings(page: Path, state: tuple[str, str]) -> str:
    """Lines about a page or a recording that is not there, or not as it was."""
    kind, reason = state
    lines = [] if page.exists() else ["Its page was removed."]
    if kind == GONE:
        lines.append("Its recording is gone, so that the page can no longer be verified or rendered again.")
    elif kind:
        lines.append(f"Its recording was changed after it was sealed: {reason}. Its values enter no trend.")
    return "".join(f'<p class="warning">{_shown(line)}</p>\n' for line in lines)


def _facts(entry: ReportEntry, trusted: Sequence[ReportEntry]) -> Iterator[tuple[str, str]]:
    """Label and finished HTML of each fact."""
    for deployment in HEADLINE:
        if deployment in entry.durations_s:
            yield f"50 users at once, {LABELS[deployment]}", _trend(deployment, entry, trusted)
    facts = entry.facts
    local = facts.get(LOCAL_CHANGES, "none")
    yield "commit", _shown(facts.get(COMMIT, "unknown") + ("" if local == "none" else " with local changes"))
    memory = facts.get(MEMORY, "memory unknown")
    yield "machine", _shown(f"{facts.get(PROCESSOR, 'unknown')}, {facts.get(CORES, '?')} cores, {memory}")
    versions = [f"{name} {facts[name]}" for name in (PYTHON, POSTGRESQL) if name in facts]
    yield "profile and versions", _shown(", ".join([entry.profile, facts.get(SCALE, "unknown scale"), *versions]))
    yield "runs", _shown(f"{entry.valid} of {entry.runs} valid")
    if entry.objectives:
        yield OBJECTIVES, _objectives(entry)


def _objectives(entry: ReportEntry) -> str:
    unmet = len(entry.failed) + entry.not_measured
    pieces = [f"{entry.objectives - unmet} of {entry.objectives} met"]
    pieces += [f"{entry.not_measured} not measured"] if entry.not_measured else []
    pieces += [f"failed: {'; '.join(entry.failed)}"] if entry.failed else []
    return _shown(", ".join(pieces))


def _trend(deployment: str, entry: ReportEntry, trusted: Sequence[ReportEntry]) -> str:
    """The duration with its interval, and the line of the comparable reports before it."""
    estimate = entry.durations_s[deployment]
    before = _comparable(deployment, entry, trusted)
    text = _shown(f"{_seconds(estimate.value)}{interval_suffix(estimate, '{:.2f}')}")
    if not before:
        return text
    others = "comparable report" if len(before) == 1 else "comparable reports"
    return f"{text}{sparkline([*before, estimate], deployment)}after {len(before)} {others}"


def _comparable(deployment: str, entry: ReportEntry, trusted: Sequence[ReportEntry]) -> list[Estimate]:
    """The durations of older reports between which and this one nothing changed but the code, the oldest first."""
    older = [
        each
        for each in trusted
        if (each.started, each.experiment) < (entry.started, entry.experiment) and entry in trusted
        and deployment in each.durations_s and not environment_facts.fences(each.facts, entry.facts)
    ]  # fmt: skip
    return [each.durations_s[deployment] for each in reversed(older[: MAX_POINTS - 1])]


def _seconds(value: float) -> str:
    return f"{value:.2f} s"


def _shown(text: str) -> str:
    return cleaned(redacted(text), Target.HTML)

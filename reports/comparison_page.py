"""The page of two experiments side by side: what improved, what regressed, and what else changed between them."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis import comparison_wording, history
from analysis.environment_facts import COMMIT, facts_of
from analysis.recording_comparison import ExperimentComparison
from workbench import atomic
from workbench.declared_arms import KEY
from workbench.recorded_experiment import planned
from workbench.recording import Experiment
from workbench.text_cleaning import Target, cleaned

from . import comparison_tables
from .page_frame import Section, page
from .page_names import COMPARISON_FACTS, comparison_stem, distinct_stem
from .report_entry import read_facts
from .run_counts import valid_text
from .sections.comparison import join, prose
from .tables import Html, folded, remark

STYLES = ("rows.css", "sparks.css")
MAX_WARNINGS = 30
CARDS = {
    "regression": ("Regressed", "worse in B"),
    "improvement": ("Improved", "better in B"),
    "inconclusive": ("Inconclusive", "more blocks would decide"),
    "equivalent": ("Equivalent", "within the margin"),
}


@dataclass(frozen=True)
class StoredComparison:
    """What the index says of a comparison: the ids of both experiments, its sentence, and the file name of its page."""

    before: str
    after: str
    sentence: str
    page: str


def write(comparison: ExperimentComparison, warnings: Sequence[str], folder: Path) -> Path:
    """Write the page of a comparison and its facts into the folder, and return the path of the page.

    `warnings` are sentences about what was left out of the comparison.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = comparison.before.name, comparison.after.name
    stem = comparison_stem(*names)
    if any((each.before, each.after) != names and each.page == f"{stem}.html" for each in stored(folder)[0]):
        stem = distinct_stem(*names)
    path = folder / f"{stem}.html"
    atomic.write_text(path, html(comparison, warnings))
    facts = StoredComparison(*names, comparison_wording.verdict_sentence(comparison), path.name)
    atomic.write_text(folder / f"{stem}{COMPARISON_FACTS}", json.dumps(asdict(facts), indent=2) + "\n")
    return path


def stored(folder: Path) -> tuple[list[StoredComparison], list[str]]:
    """The comparisons in a folder, and a line for each file of facts that has none."""
    comparisons, problems = [], []
    for path in sorted(folder.glob(f"*{COMPARISON_FACTS}"), reverse=True):
        try:
            comparisons.append(_stored(read_facts(path), path))
        except (OSError, ValueError, KeyError, TypeError):
            problems.append(f"{path.name} holds no facts of a comparison; make compare A=<id> B=<id> writes them anew")
    return comparisons, problems


def _stored(content: Mapping[str, Any], path: Path) -> StoredComparison:
    """The comparison of a file's content. Raises ValueError, KeyError or TypeError for another shape."""
    before, after, sentence = (content[name] for name in ("before", "after", "sentence"))
    if not all(isinstance(text, str) for text in (before, after, sentence)):
        raise ValueError(f"{path.name} has another shape")
    return StoredComparison(before, after, sentence, f"{path.name.removesuffix(COMPARISON_FACTS)}.html")


def html(comparison: ExperimentComparison, warnings: Sequence[str] = ()) -> str:
    """The page of a comparison; `warnings` are sentences about what was left out of it."""
    title = f"Comparison of {comparison.before.name} (A) with {comparison.after.name} (B)"
    sections = [
        Section("What changed", comparison_tables.verdicts(comparison)),
        *_section("Time of a request", comparison_tables.waterfalls(comparison)),
        *_section("What else differs", comparison_tables.environment(comparison)),
        *_section("Failures", comparison_tables.failures(comparison)),
        *_section("Not compared", _uncompared(comparison, warnings)),
        Section("How to read this", _method(comparison)),
    ]
    return page(title, _lead(comparison), sections, STYLES, has_heading=True)


def _section(heading: str, content: Html | None) -> list[Section]:
    return [] if content is None else [Section(heading, content)]


def _lead(comparison: ExperimentComparison) -> Html:
    """The first screen: the verdict with what else changed, the number of metrics by verdict, and both experiments."""
    sentence, counts = comparison_wording.verdict_sentence(comparison), comparison.counts()
    heading = Html(f'<h1 class="verdict">{comparison_tables.shown(sentence)}</h1>')
    sides = [remark(f"{letter}: {_side(side)}") for letter, side in _sides(comparison)]
    return join(heading, *([_cards(counts)] if comparison.has_verdict() else []), *sides)


def _cards(counts: Mapping[str, int]) -> Html:
    """A card for each verdict with its number of metrics."""
    cards = "".join(
        f'<div><dt>{label}</dt><dd class="value">{counts[verdict]}</dd><dd class="detail">{detail}</dd></div>\n'
        for verdict, (label, detail) in CARDS.items()
    )
    return Html(f'<dl class="cards">\n{cards}</dl>')


def _sides(comparison: ExperimentComparison) -> tuple[tuple[str, Experiment], tuple[str, Experiment]]:
    return ("A", comparison.before), ("B", comparison.after)


def _side(experiment: Experiment) -> str:
    started = history.started(experiment).replace("T", " ") or "start unknown"
    commit = facts_of(experiment).get(COMMIT, "unknown")
    usable = valid_text(experiment, of=len(planned(experiment.record)))
    profile = "" if _has_application(experiment) else f"profile {experiment.record['profile']}, "
    return f"{experiment.name}, {started} UTC, commit {commit}, {profile}{usable}"


def _has_application(experiment: Experiment) -> bool:
    """True for a user's own application: its file declares the arms, and no profile of the workbench was run."""
    return bool((experiment.record.get(KEY) or {}).get("application"))


def _uncompared(comparison: ExperimentComparison, warnings: Sequence[str]) -> Html | None:
    """Arms that only one side has, or under another load, and files that could not be used."""
    pieces = []
    if lines := comparison_wording.uncompared_lines(comparison):
        pieces.append(_list(lines))
    if warnings:
        shown, hidden = warnings[:MAX_WARNINGS], len(warnings) - MAX_WARNINGS
        more = [f"{hidden} more; analysis compare prints all"] if hidden > 0 else []
        pieces.append(folded(f"Warnings ({len(warnings)})", _list([*shown, *more])))
    return join(*pieces) if pieces else None


def _method(comparison: ExperimentComparison) -> Html:
    """How the intervals were made, what they do not contain, and the commands that repeat the comparison."""
    names = shlex.join([comparison.before.name, comparison.after.name])
    return join(
        prose(
            "A ratio is B over A. The two were measured at different times and share no blocks, so their sides are "
            "compared by Welch's test; no interval contains what changed on the machine in between. Arms of one "
            "experiment, measured in the same blocks, decide more. Holm's correction is over all verdicts of this "
            "page. The grey band is the equivalence margin; a hollow dot has no interval."
        ),
        Html(
            "<ul>\n"
            f"<li>The same in the terminal: {_code(f'python -m analysis compare {names}')}</li>\n"
            f"<li>For CI, with an exit code: {_code(f'python -m analysis compare {names} --baseline')}</li>\n"
            "</ul>"
        ),
    )


def _list(lines: Sequence[str]) -> Html:
    items = "".join(f"<li>{comparison_tables.shown(line)}</li>\n" for line in lines)
    return Html(f'<ul class="lines">\n{items}</ul>')


def _code(command: str) -> str:
    return f"<code>{cleaned(command, Target.HTML)}</code>"

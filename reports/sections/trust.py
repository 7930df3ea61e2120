"""How far to trust this: five sentences, and in folds the runs, their validity, the words and the commands."""

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.metrics import arm_metrics
from analysis.stats.confidence import MIN_BLOCKS, noise_floor
from analysis.unmatched_endpoints import unused_success_rules
from workbench import imported
from workbench.arms import BURST_50, TUNED
from workbench.declared_arms import KEY
from workbench.paths import REPOSITORY
from workbench.recorded_experiment import REPEATS
from workbench.recording import Experiment
from workbench.redaction import redacted

from ..markup import Html
from ..numerals import SECTION, marked, number, sentence
from ..run_counts import invalid_reasons, valid_text
from ..tables import behind, table
from . import deployments, evidence, imported_files
from .advice import succeeds
from .arm_sources import arm_sources
from .comparison import Report, join, plural
from .glossary import glossary
from .names import set_up

TIMES = {1: "once", 2: "twice"}


def trust(report: Report) -> Html:
    """The limits of this experiment, and everything it rests on."""
    sentences = [
        _method(report), _intervals(report), _noise(report), _machine(report), _cache(report), _validity(report),
        *(marked(redacted(f"{each}."), SECTION) for each in unused_success_rules(report.experiment)),
    ]  # fmt: skip
    listed = "".join(f"<li>{each}</li>" for each in sentences if str(each))
    return join(
        Html(f"<ul>{listed}</ul>"),
        arm_sources(report),
        imported_files.files(report.experiment.runs),
        behind(
            ("the set-ups", _set_ups(report)),
            ("latency of every set-up", deployments.bursts_by_deployment(report)),
            ("the advice for production", deployments.advice(report)),
            ("runs, validity, machine", evidence.evidence(report)),
            ("words", glossary(report)),
            ("commands", _commands(report)),
        ),
    )


def _method(report: Report) -> Html:
    """How arms were compared; empty for an experiment of a profile."""
    if not report.arms:
        return Html("")
    if imported.is_imported(report.experiment.record):
        return imported_files.method(report.experiment)
    if len(report.arms) == 1:
        return sentence("The only arm ran once in each block, so nothing is compared.")
    return sentence(
        "All arms ran once in each block, in random and balanced order, with the same seed{replicate}. Ratios are "
        "paired by block. Only metrics that were declared before the measurement get a verdict, corrected by Holm over "
        "all of them.",
        replicate=_replicate(report),
    )


def _replicate(report: Report) -> Html:
    """What became of the second run of the baseline in each block; empty where there was none."""
    baseline = report.arms[0].name
    if not any(run.replicate for run in report.experiment.runs):
        return Html("")
    if evidence.has_replicates(report.experiment):
        return sentence("; {baseline} ran twice, and the A/A rows are the difference of the two", baseline=baseline)
    return sentence("; {baseline} ran twice, and in no block are both of these runs valid, so that there is no A/A row",
                    baseline=baseline)  # fmt: skip


def _intervals(report: Report) -> Html:
    blocks, counted, outside = _blocks(report), "arms", ""
    if report.arms:
        counted, outside = "pairs of an arm and a load", " outside of the search for capacity"
    if blocks.empty:
        return sentence(f"No arm has a valid run{outside if len(report.experiment.by_run) else ''}.")
    enough = blocks >= MIN_BLOCKS
    text = sentence(f"{{n}} of {{all}} {counted} ran in 4 blocks or more.", n=number(str(int(enough.sum())), SECTION),
                    all=str(len(blocks)))  # fmt: skip
    if enough.all():
        return text
    if not enough.any():
        return sentence(f"No arm ran in 4 blocks or more, so no comparison of {report.noun}s has an interval.")
    most = int(blocks[~enough].max())
    few = f"{'at most ' if most > 1 else ''}{plural(most, 'block')}"
    return Html(
        f"{text} " + str(sentence("The others ran in {few}: no comparison with them has an interval.", few=few))
    )


def _blocks(report: Report) -> pd.Series:
    """The number of blocks of each arm under each load; of arms of a user's own without the loads of a search."""
    runs = report.experiment.by_run
    probes = {probe["run"] for probe in report.experiment.record.get("probes") or ()} if report.arms else set()
    return runs[~runs["run"].isin(probes)].groupby(["deployment", "scenario"])["block"].nunique()


def _noise(report: Report) -> Html:
    pairs = arm_metrics.replicate_ratios(report.experiment)
    chosen = pairs[(pairs["deployment"] == TUNED) & (pairs["scenario"] == BURST_50)]
    floor = noise_floor(np.log(chosen["ratio"].to_numpy())) if len(chosen) else None
    if floor is None:
        return Html("")
    return sentence("Two bursts on the tuned set-up may differ by {floor} by chance.",
                    floor=number(f"{floor - 1:.0%}", SECTION))  # fmt: skip


def _machine(report: Report) -> Html:
    if imported.is_imported(report.experiment.record):
        return Html("")
    cores = plural(report.experiment.record["environment"]["cpu_count"], "core")
    return sentence("Load generator and system share {cores}.", cores=cores)


def _cache(report: Report) -> Html:
    outcomes = arm_metrics.cache_outcomes(report.experiment, TUNED, BURST_50, ("dashboard", "search"))
    if outcomes.empty or not outcomes.sum() or not succeeds(report, TUNED):
        return Html("")
    share = outcomes.get("hit", 0) / outcomes.sum()
    return sentence("All users read the same page: the tuned set-up answers {share} from its cache.",
                    share=number(f"{share:.0%}", SECTION))  # fmt: skip


def _validity(report: Report) -> Html:
    """How many runs are valid and how many their fault ended; why the others are invalid, and which were made again."""
    experiment = report.experiment
    text = marked(f"{valid_text(experiment)}.", SECTION)
    pieces = [text]
    if experiment.invalid:
        counted = plural(len(experiment.invalid), "run")
        pieces.append(sentence("Invalid, and in no figure: {n}, for {reasons}.", n=marked(counted, SECTION),
                               reasons=_reasons(experiment)))  # fmt: skip
    if times := max((entry.get("repeat") or 1 for entry in experiment.record.get(REPEATS) or []), default=0):
        often = TIMES.get(times, f"{times} times")
        pieces.append(sentence("Runs whose load was late or held up were made again, up to {often}.", often=often))
    return join(*pieces)


def _reasons(experiment: Experiment) -> Html:
    """`dispatch lag p99 (9), generator CPU (2)`: the table of runs has the names and the values."""
    reasons = invalid_reasons(experiment)
    listed = ", ".join(str(sentence("{reason} ({count})", reason=reason, count=number(str(count), SECTION)))
                       for reason, count in reasons)  # fmt: skip
    several = sum(count for _, count in reasons) > len(experiment.invalid)
    return Html(f"{listed}; {sentence('a run may have several reasons')}" if several else listed)


def _commands(report: Report) -> Html:
    name = report.experiment.name
    is_measured = not imported.is_imported(report.experiment.record)
    application = (report.experiment.record.get(KEY) or {}).get("application")
    measuring = f"make report APP={_shown_path(application['file'])}" if application else "make report"
    lines = [
        f"make render EXPERIMENT={name}    # this page again, from the same records",
        *([f"{measuring:<35}# measure again"] if is_measured else []),
        f".venv/bin/python -m reports verify {name}",
    ]
    return Html('<pre tabindex="0"><code>' + "\n".join(str(marked(line)) for line in lines) + "</code></pre>")


def _shown_path(file: str) -> str:
    """The path of a file below this repository, and the name of another one, whose folder is not shown."""
    path = Path(file)
    return str(path.relative_to(REPOSITORY)) if path.is_relative_to(REPOSITORY) else f"<folder>/{path.name}"


def _set_ups(report: Report) -> Html:
    """A sentence for each set-up that was run; arms have a table of their own."""
    if report.arms:
        return Html("")
    descriptions = {run.deployment: run.record["deployment"].get("description") for run in report.experiment.runs}
    rows = [
        {"set-up": marked(set_up(name)), "name in commands": name, "description": text and marked(text)}
        for name, text in sorted(descriptions.items())
    ]
    return table(pd.DataFrame(rows, dtype=object), "The set-ups of this experiment")

"""How far to trust this: five sentences, and in folds the runs, their validity, the words and the commands."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.metrics import arm_metrics
from analysis.stats.confidence import MIN_BLOCKS, noise_floor
from workbench.arms import BURST_50, TUNED
from workbench.recorded_experiment import REPEATS

from ..markup import Html
from ..numerals import SECTION, marked, number, sentence
from ..tables import behind, table
from . import deployments, evidence
from .advice import succeeds
from .comparison import Report, join, plural
from .names import set_up

MAX_NAMES = 4  # of invalid runs in a sentence
GLOSSARY = {
    "–": "not measured, or not published",
    "A/A": "the same set-up twice in a block; whatever differs is chance",
    "arm": "a set-up under a load; every arm runs once in each block",
    "at least": "before an interval: it is too narrow, as few requests lie beyond the percentile or blocks differ much",
    "CPU lower bound": "the shortest time in which all cores could do the hashes and queries of a burst",
    "block": "one pass over the arms in random order; effects are compared within blocks",
    "blocks required": "number of blocks that show an effect of the margin's size, or equivalence, four times in five",
    "users at once": "closed load: all start at one instant and make one pass: login, dashboard, search",
    "equivalent": "the interval lies within the margin around no difference, after Holm's correction",
    "loop": "wait for the event loop of a gevent worker, which computed for other requests",
    "measured / published": "no improvement or regression: the published value is of another machine",
    "minimum detectable effect": "the smallest effect that such an experiment finds four times in five",
    "PSS": "memory of a process, with its share of what it shares with others",
    "queue, rest, residual": "wait for a worker; time in the application that is in no part; neither of both",
    "single reads": "closed load: one user alone calls dashboard and search with mixed terms",
    "users with think time": "closed load: each waits 1 to 3 s between two requests",
}


def trust(report: Report) -> Html:
    """The limits of this experiment, and everything it rests on."""
    sentences = [_intervals(report), _noise(report), _machine(report), _cache(report), _validity(report)]
    listed = "".join(f"<li>{each}</li>" for each in sentences if str(each))
    return join(
        Html(f"<ul>{listed}</ul>"),
        behind(
            ("the set-ups", _set_ups(report)),
            ("latency of every set-up", deployments.bursts_by_deployment(report)),
            ("the advice for production", deployments.advice(report)),
            ("runs, validity, machine", evidence.evidence(report)),
            ("words", _glossary()),
            ("commands", _commands(report)),
        ),
    )


def _intervals(report: Report) -> Html:
    runs = report.experiment.by_run
    blocks = runs.groupby(["deployment", "scenario"])["block"].nunique()
    if blocks.empty:
        return sentence("No arm has a valid run.")
    enough = blocks >= MIN_BLOCKS
    text = sentence("{n} of {all} arms ran in 4 blocks or more.", n=number(str(int(enough.sum())), SECTION),
                    all=str(len(blocks)))  # fmt: skip
    if enough.all():
        return text
    if not enough.any():
        return sentence("No arm ran in 4 blocks or more, so no value has an interval.")
    most = int(blocks[~enough].max())
    few = f"{'at most ' if most > 1 else ''}{plural(most, 'block')}"
    return Html(f"{text} " + str(sentence("The others ran in {few} and have no interval.", few=few)))


def _noise(report: Report) -> Html:
    pairs = arm_metrics.replicate_ratios(report.experiment)
    chosen = pairs[(pairs["deployment"] == TUNED) & (pairs["scenario"] == BURST_50)]
    floor = noise_floor(np.log(chosen["ratio"].to_numpy())) if len(chosen) else None
    if floor is None:
        return Html("")
    return sentence("Two bursts on the tuned set-up may differ by {floor} by chance.",
                    floor=number(f"{floor - 1:.0%}", SECTION))  # fmt: skip


def _machine(report: Report) -> Html:
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
    experiment = report.experiment
    invalid = [run for run in experiment.runs if not run.is_valid()]
    text = sentence("{valid} of {all} runs are valid.", valid=number(str(len(experiment.runs) - len(invalid)), SECTION),
                    all=str(len(experiment.runs)))  # fmt: skip
    if not invalid:
        return text
    listed = sentence("Invalid, and in no figure: {names}.", names=_listed([run.name for run in invalid]))
    repeated = sentence("Runs that other load on the machine disturbed were made again.")
    return join(text, listed, *([repeated] if experiment.record.get(REPEATS) else []))


def _listed(names: Sequence[str]) -> str:
    """The first names; the table of runs has all of them."""
    others = f" and {plural(len(names) - MAX_NAMES, 'other')}" if len(names) > MAX_NAMES else ""
    return f"{', '.join(names[:MAX_NAMES])}{others}"


def _glossary() -> Html:
    rows = [{"word": word, "meaning": marked(meaning)} for word, meaning in GLOSSARY.items()]
    return table(pd.DataFrame(rows, dtype=object), "Words of this page")


def _commands(report: Report) -> Html:
    name = report.experiment.name
    lines = [
        f"make render EXPERIMENT={name}    # this page again, from the same records",
        "make report                        # measure again",
        f".venv/bin/python -m reports verify {name}",
    ]
    return Html('<pre tabindex="0"><code>' + "\n".join(str(marked(line)) for line in lines) + "</code></pre>")


def _set_ups(report: Report) -> Html:
    """A sentence for each set-up that was run."""
    descriptions = {run.deployment: run.record["deployment"].get("description") for run in report.experiment.runs}
    rows = [
        {"set-up": marked(set_up(name)), "name in commands": name, "description": text and marked(text)}
        for name, text in sorted(descriptions.items())
    ]
    return table(pd.DataFrame(rows, dtype=object), "The set-ups of this experiment")

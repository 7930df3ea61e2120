"""How far to trust this: five sentences, and in folds the runs, their validity, the words and the commands."""

import numpy as np
import pandas as pd

from analysis.metrics import arm_metrics
from analysis.stats.confidence import MIN_BLOCKS, noise_floor
from workbench.arms import BURST_50, TUNED

from ..markup import Html
from ..numerals import SECTION, marked, number, sentence
from ..tables import behind, table
from . import deployments, evidence
from .comparison import Report, join

GLOSSARY = {
    "arm": "a set-up under a load; every arm runs once in each block",
    "block": "one pass over the arms in random order; effects are compared within blocks",
    "burst": "all users start at one instant and make one pass: login, dashboard, search",
    "reads": "one user alone calls dashboard and search with mixed terms",
    "minimum detectable effect": "the smallest effect that such an experiment finds four times in five",
    "equivalent": "the interval lies within the margin around no difference, after Holm's correction",
    "residual": "time of a request that is neither queue nor application",
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
    with_interval = int((blocks >= MIN_BLOCKS).sum())
    return sentence(
        "{n} of {all} arms ran in 4 blocks or more; the others are one run, and decide nothing.",
        n=number(str(with_interval), SECTION), all=str(len(blocks)),
    )  # fmt: skip


def _noise(report: Report) -> Html:
    pairs = arm_metrics.replicate_ratios(report.experiment)
    chosen = pairs[(pairs["deployment"] == TUNED) & (pairs["scenario"] == BURST_50)]
    floor = noise_floor(np.log(chosen["ratio"].to_numpy())) if len(chosen) else None
    if floor is None:
        return Html("")
    return sentence("Two bursts on the tuned set-up may differ by {floor} by chance.",
                    floor=number(f"{floor - 1:.0%}", SECTION))  # fmt: skip


def _machine(report: Report) -> Html:
    cores = report.experiment.record["environment"]["cpu_count"]
    return sentence("Load generator and system share {cores} cores.", cores=str(cores))


def _cache(report: Report) -> Html:
    outcomes = arm_metrics.cache_outcomes(report.experiment, TUNED, BURST_50, ("dashboard", "search"))
    if outcomes.empty or not outcomes.sum():
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
    return Html(
        f"{text} " + str(sentence("Invalid, and in no figure: {names}.", names=", ".join(run.name for run in invalid)))
    )


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
    rows = {run.deployment: run.record["deployment"].get("description", "") for run in report.experiment.runs}
    frame = pd.DataFrame(
        [{"set-up": marked(name), "description": marked(text)} for name, text in sorted(rows.items())], dtype=object
    )
    return table(frame, "The set-ups of this experiment")

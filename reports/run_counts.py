"""How many runs of an experiment are valid, how many their fault ended, and why the others are not valid."""

from collections import Counter

from workbench.recording import Experiment, Run

# What to do about a reason, by how it begins.
REMEDIES = {
    "CPU of other processes": "measure when nothing else runs on this machine",
    "generator CPU": "use fewer users, or less work in the locustfile",
}
NO_END = "it did not end by itself"


def valid_text(experiment: Experiment, of: int | None = None) -> str:
    """`33 of 50 runs valid, 4 ended by their fault, as planned`; `of` replaces the number of recorded runs."""
    text = f"{len(experiment.usable)} of {len(experiment.runs) if of is None else of} runs valid"
    ended = len(experiment.ended_by_fault)
    return f"{text}, {ended} ended by their fault, as planned" if ended else text


def invalid_reasons(experiment: Experiment) -> list[tuple[str, int]]:
    """Each reason for which runs are not valid, with the number of these runs, the most frequent first.

    A reason is the name of a gate without its unit, or what a record says. A run may have several.
    """
    names = (dict.fromkeys(_names(run)) for run in experiment.invalid)
    return Counter(name for of_run in names for name in of_run).most_common()


def invalid_remark(experiment: Experiment) -> str:
    """How many runs are not valid, and the most frequent reason; empty where all are valid."""
    if not experiment.invalid:
        return ""
    reason = invalid_reasons(experiment)[0][0]
    counts = f"{len(experiment.invalid)} of {len(experiment.runs)} runs"
    remedy = next((text for name, text in REMEDIES.items() if reason.startswith(name)), "")
    return f"{counts} are not valid and enter no value, most often for {reason}{remedy and f' ({remedy})'}"


def _names(run: Run) -> list[str]:
    reasons = [*run.record["reasons"], *map(str, run.defects)]
    return [reason.partition(": ")[0].partition(", ")[0] for reason in reasons] or [NO_END]

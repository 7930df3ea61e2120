"""Tasks of a locustfile that ended with an error of its own: what they did after it was never sent."""

from collections import Counter

from workbench.recording import Experiment
from workbench.redaction import redacted

from .findings.wording import counted

MAX_KINDS = 3


def remark(experiment: Experiment) -> str:
    """How many tasks of valid runs ended so, and with which errors; empty where none did."""
    kinds: Counter[str] = Counter()
    runs = 0
    for run in experiment.usable:
        errors = (run.record.get("generator") or {}).get("task_errors") or {}
        kinds.update(errors)
        runs += bool(errors)
    if not kinds:
        return ""
    named = [f"{number:,} × {redacted(kind)}" for kind, number in kinds.most_common(MAX_KINDS)]
    rest = kinds.total() - sum(number for _, number in kinds.most_common(MAX_KINDS))
    named += [f"{rest:,} others"] if rest else []
    return (
        f"{kinds.total():,} tasks of the locustfile ended with an error of its own, in {runs} of "
        f"{counted(len(experiment.usable), 'valid run')}: {', '.join(named)}; what they had not sent by then is missing"
    )

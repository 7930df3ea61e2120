"""How many requests of an experiment's valid runs failed, by arm."""

from typing import NamedTuple

from workbench import imported
from workbench.recording import Experiment

from .metrics.effect_metrics import metrics_by_run


class FailedRequests(NamedTuple):
    """The requests of valid runs, dropped arrivals included, and how many of them failed, by arm."""

    sent: int
    failed: dict[str, int]

    @property
    def total(self) -> int:
        """All that failed."""
        return sum(self.failed.values())

    def by_arm(self) -> str:
        """`base 3, head 12`: the arms of which some failed."""
        return ", ".join(f"{arm} {failed:,}" for arm, failed in self.failed.items() if failed)

    def remark(self) -> str:
        """`72 of 158 requests of valid runs failed: head 72`; empty where none failed."""
        return f"{self.total:,} of {self.sent:,} requests of valid runs failed: {self.by_arm()}" if self.total else ""


def failed_requests(experiment: Experiment) -> FailedRequests | None:
    """Count the requests; None where there are none, or imported results do not say which failed."""
    if not all(imported.knows(run.record, imported.FAILURES) for run in experiment.usable):
        return None
    runs = metrics_by_run(experiment)
    sent = runs["requests"] + runs["omitted"]
    failed = (sent - runs["successful"]).groupby(runs["deployment"], sort=False).sum()
    return (
        FailedRequests(int(sent.sum()), {str(arm): int(number) for arm, number in failed.items()})
        if sent.sum()
        else None
    )

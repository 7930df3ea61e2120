"""The published benefit of sessions outside of the database: what they save there, measured against sessions in it."""

from collections.abc import Iterator
from typing import NamedTuple

from workbench.arms import BASELINE, READS, SUSTAINED_100, TUNED, WITH, WITHOUT
from workbench.recording import Experiment

from .. import ablation
from ..stats.hypothesis import Effect
from . import published_report
from .finding import EQUIVALENT, FAIL, INCONCLUSIVE, NOT_MEASURED, PASS, Claim, Finding
from .wording import ratio_with_interval

KIND = "published-setup"
DECIDES = "database_ms"
METRICS = {
    "statements": "statements",
    DECIDES: "database time",
    "cpu_ms": "system CPU",
    "reads_p95_ms": "p95 of reads",
}


class StorageComparison(NamedTuple):
    """A deployment with its sessions elsewhere, and the same with sessions in the database, under one scenario."""

    storage: str
    deployment: str
    with_database: str
    scenario: str

    @property
    def id(self) -> str:
        """The id of its finding."""
        return f"session-storage-{self.storage}-{self.deployment}-{DECIDES}"


PUBLISHED = StorageComparison("filesystem", BASELINE, f"{BASELINE}{WITH}database-sessions", READS)
TUNED_DATABASE = f"{TUNED}{WITH}database-sessions"
COMPARISONS = (
    PUBLISHED,
    StorageComparison("filesystem", f"{TUNED}{WITHOUT}shared-sessions", TUNED_DATABASE, SUSTAINED_100),
    StorageComparison("shared", TUNED, TUNED_DATABASE, SUSTAINED_100),
)


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for the published sentence on its own set-up, and one for each other set-up that was run both ways."""
    for comparison in COMPARISONS:
        runs = [
            experiment.find(name, comparison.scenario) for name in (comparison.deployment, comparison.with_database)
        ]
        if comparison == PUBLISHED or all(runs):
            yield _finding(experiment, comparison)


def _finding(experiment: Experiment, comparison: StorageComparison) -> Finding:
    """It passes where the database takes less time for a request without the sessions, with the whole interval."""
    storage, before, after, scenario = comparison
    claim = Claim(experiment, KIND, comparison.id, f"{storage} sessions on {before}: {_benefit()}")
    effects = {metric: ablation.effect_between(experiment, before, after, scenario, metric) for metric in METRICS}
    decisive = effects[DECIDES]
    if decisive is None:
        return claim.not_run(after if not experiment.find(after, scenario) else before, scenario)
    runs = [run for side in (before, after) for run in experiment.find(side, scenario)]
    verdict, conclusion = _verdict(decisive)
    return claim.finding(verdict, f"{_evidence(scenario, effects)}; {conclusion}", runs, effect=decisive.ratio,
                         interval=decisive.interval, level=decisive.level, bound=1.0, n=decisive.blocks)  # fmt: skip


def _verdict(effect: Effect) -> tuple[str, str]:
    """The verdict by the interval of the ratio of database times, and what follows from it."""
    if effect.interval is None:
        return NOT_MEASURED, "fewer than four blocks decide nothing"
    low, high = effect.interval
    if low > 1:
        return PASS, f"without them {_saved(low)}–{_saved(high)} of the database time is saved"
    if high < 1:
        return FAIL, "without them no database time is saved"
    if effect.verdict == EQUIVALENT:
        return FAIL, "without them the database time is equivalent"
    return INCONCLUSIVE, "a saving is neither shown nor excluded"


def _benefit() -> str:
    """The published sentence."""
    return str(published_report.load("sessions")["benefit"].iloc[0])


def _evidence(scenario: str, effects: dict[str, Effect | None]) -> str:
    """The ratios of all metrics that were measured, per request: with sessions in the database over without."""
    parts = (
        f"{METRICS[metric]} × {ratio_with_interval(effect)}" for metric, effect in effects.items() if effect is not None
    )
    return f"with sessions in the database instead, {scenario}: {', '.join(parts)}"


def _saved(ratio: float) -> str:
    """The share that is saved by what the ratio is the inverse of."""
    return f"{1 - 1 / ratio:.0%}"

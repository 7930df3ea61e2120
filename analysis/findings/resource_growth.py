"""Whether the resources of an application stay flat in a soak: one finding for each resource and each deployment."""

from collections.abc import Iterator

from workbench.arms import FOR_SOAK, SOAK
from workbench.recording import Experiment, Run

from ..soak.growth import Growth, growths
from ..soak.lifetimes import LIFETIMES, MIN_EVENTS, unseen
from ..soak.slope import LEVEL
from ..soak.watched_resources import RESOURCES
from .finding import GROWS, Claim, Finding

KIND = "soak"
STAYS_FLAT = " stays flat"  # in the claim, after the name of the resource


def finding_id(resource: str, deployment: str) -> str:
    """The id of the finding on a resource of a deployment."""
    return f"soak-{resource}-{deployment}"


def event_id(lifetime: str, deployment: str) -> str:
    """The id of the finding on how often something ended for its age."""
    return f"soak-ended-{lifetime}-{deployment}"


def decides(finding: Finding) -> bool:
    """True for a resource of the set-up that is recommended, with sessions in the store."""
    return finding.kind == KIND and finding.id.endswith(f"-{FOR_SOAK}")


def soaked(experiment: Experiment) -> dict[str, Run]:
    """The longest valid soak of each deployment: several that follow each other are no longer one."""
    longest: dict[str, Run] = {}
    for run in experiment.usable:
        if run.scenario == SOAK and (
            run.deployment not in longest or _duration_s(run) > _duration_s(longest[run.deployment])
        ):
            longest[run.deployment] = run
    return longest


def findings(experiment: Experiment) -> Iterator[Finding]:
    """How often connections, sessions and cached answers ended, and then what became of each resource."""
    runs = soaked(experiment)
    for deployment in sorted({run.deployment for run in experiment.runs if run.scenario == SOAK}):
        if deployment in runs:
            yield from _ended(experiment, runs[deployment])
            yield from _resources(experiment, runs[deployment])
        else:
            yield _claim(experiment, RESOURCES[0].name, RESOURCES[0].label, deployment).not_run(deployment, SOAK)


def _ended(experiment: Experiment, run: Run) -> Iterator[Finding]:
    for lifetime in LIFETIMES:
        if not lifetime.applies(run):
            continue
        text = f"{lifetime.label} in a soak of {run.deployment}"
        claim = Claim(experiment, "measurement", event_id(lifetime.name, run.deployment), text)
        count = lifetime.number(run)
        evidence = "not counted" if count is None else f"{count:,}, of which a soak needs {MIN_EVENTS}"
        yield claim.reported(evidence, [run], effect=None if count is None else float(count), bound=float(MIN_EVENTS))


def _resources(experiment: Experiment, run: Run) -> Iterator[Finding]:
    few, grown = unseen(run), {growth.resource.name: growth for growth in growths(run)}
    for resource in RESOURCES:
        if not resource.applies(run):
            continue
        claim = _claim(experiment, resource.name, resource.label, run.deployment)
        growth = grown.get(resource.name)
        if growth is None:
            yield claim.not_measured("not read, or too few readings", [run])
        elif few and growth.verdict != GROWS:  # what grows does so whatever has not ended; sessions that never end do
            yield claim.not_measured(f"too few ends for their age: {few}", [run])
        else:
            yield _finding(claim, growth, run)


def _finding(claim: Claim, growth: Growth, run: Run) -> Finding:
    form, change = growth.resource.form, growth.change
    begin, end, low, high, margin = (
        form.format(value) for value in (growth.begin, growth.end, change.low, change.high, growth.margin)
    )
    evidence = (
        f"{begin} at the begin and {end} at the end of {growth.seconds:,.0f} s; the change lies from {low} to {high}, "
        f"and up to ±{margin} counts as none"
    )
    interval = (change.low, change.high)
    return claim.finding(
        growth.verdict, evidence, [run], effect=change.estimate, interval=interval, level=LEVEL, bound=growth.margin
    )


def _claim(experiment: Experiment, name: str, label: str, deployment: str) -> Claim:
    return Claim(experiment, KIND, finding_id(name, deployment), f"{label}{STAYS_FLAT} in a soak of {deployment}")


def _duration_s(run: Run) -> float:
    return float(run.record["scenario"]["duration_s"])

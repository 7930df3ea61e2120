"""The findings of an experiment, whatever it is: one of deployments, or a comparison of arms of a user's own."""

from collections.abc import Iterator, Sequence

from workbench import declared_arms, primary_metrics
from workbench.recording import Experiment

from . import regressions
from .findings import capacities, evaluation, objectives
from .findings.finding import INVALID, Claim, Finding
from .metrics.effect_metrics import EFFECT_METRICS


def conclusions(experiment: Experiment) -> list[Finding]:
    """All findings of an experiment.

    Those of a comparison are the changes of each arm against the baseline, and the objectives that it declares itself:
    those of `objectives.toml` and the published report are about deployments that it does not have.
    """
    arms = declared_arms.declared(experiment.record)
    if not arms:
        return evaluation.evaluate(experiment)
    _ = experiment.by_run  # one query for all runs
    baseline, *candidates = (arm.name for arm in arms)
    pairs = [(name, scenario) for scenario in _scenarios(experiment) for name in candidates]
    measured = [pair for pair in pairs if all(experiment.find(name, pair[1]) for name in (baseline, pair[0]))]
    findings = regressions.against_arm(experiment, baseline, *candidates) if measured else []
    return [
        *findings,
        *(objective.evaluate(experiment) for objective in objectives.declared(experiment)),
        *capacities.capacities(experiment),
        *capacities.predictions(experiment),
        *(_invalid(experiment, baseline, *pair) for pair in pairs if pair not in measured),
        *_unmeasured(experiment, baseline, measured, findings),
    ]


def of_candidate(findings: Sequence[Finding], baseline: str, candidate: str) -> list[Finding]:
    """Those of the findings of a comparison that are about one arm against the baseline."""
    words = f": {regressions.replacement(baseline, candidate)}"
    return [each for each in findings if each.kind == regressions.KIND and each.claim.endswith(words)]


def _scenarios(experiment: Experiment) -> list[str]:
    """The scenarios in which arms are compared; the probes of a search are of single arms."""
    probes = {probe["run"] for probe in experiment.record.get("probes") or ()}
    return list(dict.fromkeys(run.scenario for run in experiment.runs if run.name not in probes))


def _invalid(experiment: Experiment, baseline: str, candidate: str, scenario: str) -> Finding:
    """The finding on a candidate under a scenario without a valid run of both arms."""
    claim = _claim(experiment, baseline, candidate, scenario, "all-metrics", "all metrics")
    missing = [name for name in (baseline, candidate) if not experiment.find(name, scenario)]
    runs = [run for run in experiment.runs if run.deployment in missing and run.scenario == scenario]
    reasons = (reason for run in runs for reason in (*run.record["reasons"], *map(str, run.defects)))
    text = f"no valid run of {' and '.join(missing)}: {next(reasons, 'none ended by itself')}"
    return claim.finding(INVALID, text)


def _unmeasured(
    experiment: Experiment, baseline: str, measured: Sequence[tuple[str, str]], findings: Sequence[Finding]
) -> Iterator[Finding]:
    """A finding for each declared metric that has no value on either side."""
    names = {metric.column: metric.name for metric in EFFECT_METRICS}
    present = {finding.id for finding in findings}
    for declared in primary_metrics.declared(experiment.record) or ():
        for candidate in declared.deployments:
            claim = _claim(experiment, baseline, candidate, declared.scenario, declared.metric,
                           names.get(declared.metric, declared.metric))  # fmt: skip
            if (candidate, declared.scenario) in measured and claim.id not in present:
                yield claim.not_measured("no value in any block of both arms")


def _claim(experiment: Experiment, baseline: str, candidate: str, scenario: str, column: str, metric: str) -> Claim:
    return Claim(
        experiment,
        regressions.KIND,
        f"{scenario}-{baseline}-to-{candidate}-{column}",
        f"{metric} under {scenario}: {regressions.replacement(baseline, candidate)}",
    )

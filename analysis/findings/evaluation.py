"""All findings of an experiment."""

from workbench.recording import Experiment

from . import (
    advice,
    async_advice,
    capacities,
    checklist,
    effects,
    explanations,
    fault_findings,
    measurements,
    memory_limits,
    objectives,
    overload_claims,
    plan_explanations,
    pooling,
    published_ratios,
    published_resilience,
    published_setup,
    published_values,
    resource_growth,
    servers,
    session_storage,
)
from .finding import Finding

# In the order of `findings.json` and of its views.
PRODUCERS = (
    checklist.findings,
    published_values.findings,
    published_ratios.findings,
    published_setup.findings,
    published_resilience.findings,
    session_storage.findings,
    pooling.findings,
    memory_limits.published_claims,
    advice.findings,
    objectives.findings,
    fault_findings.findings,
    effects.findings,
    explanations.saturated_resources,
    explanations.tail_growth,
    plan_explanations.findings,
    capacities.capacities,
    capacities.predictions,
    memory_limits.predictions,
    measurements.findings,
    servers.findings,
    async_advice.findings,
    memory_limits.costs,
    resource_growth.findings,
    overload_claims.findings,
)


def evaluate(experiment: Experiment) -> list[Finding]:
    """All findings of an experiment, kind by kind."""
    _ = experiment.by_run  # one query for all runs; otherwise each of them queries its own totals
    return [finding for findings in PRODUCERS for finding in findings(experiment)]

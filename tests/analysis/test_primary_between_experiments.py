"""Two experiments that declared primary metrics: those get verdicts, the others keep their interval."""

import pytest

from analysis.recording_comparison import compare_experiments

DURATION = {"metric": "makespan_s", "scenario": "burst-50", "deployments": ["as-claimed"]}
CPU = {"metric": "cpu_ms", "scenario": "burst-50", "deployments": ["as-claimed"]}


@pytest.fixture
def experiment(builder):
    """Four blocks of each deployment; `declared` are its primary metrics, None for one of an older version."""

    def experiment(name, declared, *, slower=1.0, is_ok=True):
        runs = [
            builder.run(deployment, block=block, slower=slower * spread)
            for deployment in ("tuned", "as-claimed", "as-advised")
            for block, spread in enumerate((1.0, 1.01, 0.99, 1.0))
        ]
        for row in (row for run in runs for row in run.rows):
            row |= {} if is_ok else {"ok": False, "error": "status 500"}
        return builder.experiment(*runs, name=name, **({} if declared is None else {"primary_metrics": declared}))

    return experiment


def verdicts(before, after):
    """The verdict by column of the metric and deployment."""
    comparison = compare_experiments(before, after, lambda warning: None)
    return {(each.metric.column, each.effect.name): each.verdict for each in comparison.metrics()}, comparison


def test_only_a_declared_metric_its_baseline_and_success_get_a_verdict(experiment):
    given, comparison = verdicts(experiment("a", [DURATION]), experiment("b", [DURATION], slower=1.5))
    assert given["makespan_s", "as-claimed"] == given["makespan_s", "tuned"] == "regression"
    assert given["success_share", "as-claimed"] is not None
    assert (given["makespan_s", "as-advised"], given["mean_ms", "as-claimed"]) == (None, None)
    mean = next(each for each in comparison.metrics() if each.name == "mean latency of as-claimed under burst-50")
    assert mean.effect.interval


def test_a_metric_that_one_of_two_declared_gets_no_verdict(experiment):
    given, _ = verdicts(experiment("a", [DURATION, CPU]), experiment("b", [DURATION], slower=1.5))
    assert (given["makespan_s", "as-claimed"], given["cpu_ms", "as-claimed"]) == ("regression", None)


def test_an_older_experiment_takes_the_declaration_of_the_other(experiment):
    given, _ = verdicts(experiment("a", None), experiment("b", [DURATION], slower=1.5))
    assert (given["makespan_s", "as-claimed"], given["mean_ms", "as-claimed"]) == ("regression", None)


def test_failures_are_a_regression_whatever_was_declared(experiment):
    _, comparison = verdicts(experiment("a", [DURATION]), experiment("b", [DURATION], slower=0.1, is_ok=False))
    assert any("share of successful responses of as-claimed" in line for line in comparison.regressions())

"""Findings about memory: the published claim, the advice of 4 GB, what fits, and what was predicted."""

import json

import pytest

from analysis.capacity.memory_predictions import memory_path
from analysis.findings import advice, memory_limits
from tests.builders import seal_experiment
from tests.memory_readings import MIB, with_memory

GEVENT, ONE_GIB = "constrained-gevent", "constrained-gevent-in-1-gib"
ADVICE = "Deploy on AWS/GCP with sufficient memory (4GB+ recommended)"


def gevent(builder, **memory):
    return with_memory(builder.run(GEVENT), **{"limit_mib": 512, "peak_mib": 512, **memory})


def in_1_gib(builder, **memory):
    return with_memory(builder.run(ONE_GIB), **{"limit_mib": 1024, "peak_mib": 650, **memory})


def claim_of(experiment):
    (finding,) = memory_limits.published_claims(experiment)
    return finding


@pytest.mark.parametrize(("kills", "verdict"), [(3, "pass"), (0, "fail")])
def test_published_claim_passes_where_a_process_was_ended(builder, kills, verdict):
    finding = claim_of(builder.experiment(gevent(builder, kills=kills)))
    assert finding.claim == "Replit deployed: 8 gevent workers @ 2000: out of memory"
    assert (finding.verdict, finding.effect) == (verdict, kills)
    assert "under 512 MiB" in finding.evidence
    assert ("40 requests in flight" in finding.evidence) == bool(kills)


@pytest.mark.parametrize(("peak_mib", "verdict"), [(600, "pass"), (400, "fail")])
def test_published_claim_without_a_limit_in_force_takes_the_pss_and_says_so(builder, peak_mib, verdict):
    finding = claim_of(builder.experiment(gevent(builder, peak_mib=peak_mib, enforced=False)))
    assert finding.verdict == verdict
    assert "not enforced on this machine" in finding.evidence


def test_published_claim_without_a_run_is_not_measured(builder):
    assert claim_of(builder.experiment(builder.run())).verdict == "not measured"


def advised(experiment):
    return next(finding for finding in advice.findings(experiment) if ADVICE in finding.claim)


def test_advice_of_4_gb_is_not_to_follow_where_1_gib_is_enough(builder):
    finding = advised(builder.experiment(gevent(builder, kills=2), in_1_gib(builder)))
    assert (finding.verdict, finding.effect, finding.bound) == ("do not follow", 650.0, 4096.0)
    evidence = "8 gevent workers need at most 650 MiB, and not 4,096; under 512 MiB the kernel ended"
    assert finding.evidence.startswith(evidence)


def test_advice_of_4_gb_is_to_follow_where_1_gib_is_too_little(builder):
    assert advised(builder.experiment(in_1_gib(builder, kills=1))).verdict == "follow"


def test_costs_have_a_count_of_workers_for_each_limit(builder):
    experiment = builder.experiment(in_1_gib(builder))
    values = {finding.id: finding.effect for finding in memory_limits.costs(experiment)}
    assert values[f"memory-worker-{ONE_GIB}"] == pytest.approx(45.5)
    assert values[f"memory-hash-{ONE_GIB}"] == 32.0
    # master 40.5, a worker 45.5 + 1 + 32, 90 connections of 100 KiB: 87.3 MiB for each worker
    assert [values[f"workers-in-{limit}-mib-{ONE_GIB}"] for limit in (512, 1024, 2048, 4096)] == [5, 11, 22, 46]


def test_costs_of_an_experiment_without_a_limit_are_left_out(builder):
    assert list(memory_limits.costs(builder.experiment(with_memory(builder.run())))) == []


def predict(experiment, run, peak_mib, /, **changes):
    content = {"run": run.name, "written": "2025-12-31T23:59:59.000Z", "base": "1-01-tuned-burst-50",
               "limit_mib": run.record["memory"]["limit_mib"], "peak_bytes": peak_mib * MIB, **changes}  # fmt: skip
    path = memory_path(experiment.directory, run.name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    seal_experiment(experiment.directory, dict(experiment.record))


@pytest.mark.parametrize(
    ("predicted_mib", "kills", "verdict", "text"),
    [
        (660, 0, "pass", "650 MiB (error +2%)"),
        (900, 0, "fail", "650 MiB (error +38%)"),
        (1100, 0, "fail", "650 MiB (error +69%)"),
        (1100, 2, "pass", "out of memory"),
        (700, 2, "fail", "out of memory"),
    ],
)
def test_prediction_is_right_with_its_outcome_and_its_peak(builder, predicted_mib, kills, verdict, text):
    experiment = builder.experiment(in_1_gib(builder, kills=kills))
    predict(experiment, experiment.runs[0], predicted_mib)
    (finding,) = memory_limits.predictions(experiment)
    assert (finding.verdict, finding.effect, finding.bound) == (verdict, predicted_mib, 1024.0)
    assert finding.evidence.endswith(f"measured: {text}")


@pytest.mark.parametrize(
    "change", [{"written": "2030-01-01T00:00:00.000Z"}, {"run": "another"}, {"peak_bytes": "much"}, {"limit_mib": None}]
)
def test_file_that_is_no_prediction_of_the_run_is_left_out(builder, change):
    experiment = builder.experiment(in_1_gib(builder))
    predict(experiment, experiment.runs[0], 660, **change)
    assert list(memory_limits.predictions(experiment)) == []

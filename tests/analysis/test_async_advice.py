"""What an event loop is worth while requests wait for another service: from runs on both sides, block by block."""

import pytest

from analysis.findings import async_advice
from analysis.findings.evaluation import evaluate
from analysis.metrics.upstream_waits import METRICS, by_deployment
from workbench.arms import ASYNC, GEVENT, MORE_THREADS, TUNED, UPSTREAM_50, UPSTREAM_300

SPREAD = (1.0, 1.01, 0.99, 1.005)
SAME = 0.05  # of other deployments than tuned, whose requests take a twentieth of theirs
P95, THROUGHPUT, LIGHT_P95, _ = METRICS


@pytest.fixture
def waiting(builder):
    """An experiment of these deployments under 300 users who wait, each with how much slower it is."""

    def waiting(slower, change=lambda run: None, blocks=4):
        runs = [
            builder.run(deployment, UPSTREAM_300, block=block, slower=factor * spread)
            for deployment, factor in slower.items()
            for block, spread in enumerate(SPREAD[:blocks])
        ]
        for run in runs:
            run.record["upstream"] = {"answer_ms": 1000.0, "requests": 40, "most_at_once": 128}
            change(run)
        return builder.experiment(*runs)

    return waiting


def finding(experiment, metric):
    by_id = {finding.id: finding for finding in async_advice.findings(experiment)}
    return by_id[async_advice.upstream_id(UPSTREAM_300, metric)]


@pytest.mark.parametrize(("factor", "ratio"), [(SAME, 1.0), (SAME / 2, 0.5), (2 * SAME, 2.0)])
@pytest.mark.parametrize("metric", [P95, LIGHT_P95], ids=lambda metric: metric.name)
def test_latency_is_compared_with_that_in_threads(waiting, metric, factor, ratio):
    found = finding(waiting({TUNED: 1.0, ASYNC: factor}), metric)
    assert (found.kind, found.verdict, found.n, len(found.runs)) == ("measurement", "reported", 4, 8)
    assert found.effect == pytest.approx(ratio, rel=0.02)
    assert found.interval[0] <= found.effect <= found.interval[1]
    assert "at most 128 of them waited at once before, 128 after" in found.evidence


def test_only_successful_responses_count_for_throughput(waiting):
    def fail(run):
        if run.record["deployment"]["name"] == ASYNC:
            for row in run.rows_of("shipment")[::2]:
                row |= {"ok": False, "status": 503, "error": "status 503"}

    found = finding(waiting({TUNED: 1.0, ASYNC: SAME}, fail), THROUGHPUT)
    assert found.effect == pytest.approx(0.5, rel=0.1)


def test_a_side_without_a_success_is_not_measured(waiting):
    def fail(run):
        if run.record["deployment"]["name"] == ASYNC:
            for row in run.rows_of("shipment"):
                row |= {"ok": False, "status": 503, "error": "status 503"}

    experiment = waiting({TUNED: 1.0, ASYNC: SAME}, fail)
    assert {finding(experiment, metric).verdict for metric in (P95, THROUGHPUT)} == {"not measured"}
    assert finding(experiment, LIGHT_P95).verdict == "reported"


def test_other_ways_to_wait_stand_beside_it(waiting):
    found = finding(waiting({TUNED: 1.0, MORE_THREADS: SAME, GEVENT: 2 * SAME, ASYNC: SAME}), P95)
    assert f"{MORE_THREADS} × 1.0" in found.evidence
    assert f"{GEVENT} × 2.0" in found.evidence
    assert len(found.runs) == 16


def test_too_few_blocks_have_a_ratio_and_no_interval(waiting):
    found = finding(waiting({TUNED: 1.0, ASYNC: SAME}, blocks=2), P95)
    assert (found.interval, found.n) == (None, 2)


def test_an_experiment_without_such_runs_has_no_such_findings(waiting, full):
    assert list(async_advice.findings(waiting({TUNED: 1.0}))) == []
    assert not [found for found in evaluate(full) if found.id.startswith("async-")]


def test_each_deployment_has_its_throughput_and_latency(waiting):
    experiment = waiting({ASYNC: SAME, TUNED: 1.0})
    table = by_deployment(experiment, UPSTREAM_300)
    assert list(table.index) == [TUNED, ASYNC]
    assert set(table["runs"]) == {4}
    assert set(table["most_at_once"]) == {128}
    # Ten of each in the six seconds of the scenario.
    assert list(table["shipment_per_s"]) == pytest.approx([10 / 6, 10 / 6])
    assert list(table["shipment_p95_ms"]) == pytest.approx([50, 50], rel=0.05)
    assert by_deployment(experiment, UPSTREAM_50).empty

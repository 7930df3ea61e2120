"""Objectives where requests fail, are never sent, or are due by a schedule."""

import math

import pytest

from analysis.findings import objectives
from analysis.findings.finding import FAIL, NOT_MEASURED, PASS
from workbench.arms import BASELINE, TUNED


def objective(tmp_path, scenario, bound, metric="p95_ms", endpoint="login"):
    path = tmp_path / f"{metric}-{scenario}.toml"
    named = f'endpoint = "{endpoint}"\n' if endpoint else ""
    arm = f'deployment = "{TUNED}"\nscenario = "{scenario}"\n'
    path.write_text(f'[[objective]]\nid = "x"\nmetric = "{metric}"\n{arm}{named}{bound}\n')
    return objectives.load(path)[0]


@pytest.mark.parametrize(("metric", "endpoint"), [("p95_ms", "login"), ("mean_ms", "login"), ("reads_p95_ms", "")])
def test_open_load_is_judged_by_the_response_time(builder, tmp_path, metric, endpoint):
    late = builder.run(TUNED, "open-20")
    for row in late.rows:
        row["response_us"] = row["latency_us"] + 100_000
    below = objective(tmp_path, "open-20", "below = 50", metric, endpoint)
    finding = below.evaluate(builder.experiment(late))
    assert finding.verdict == FAIL
    assert finding.effect > 100
    assert "response time" in finding.evidence
    assert endpoint == "" or "response time below 50 ms" in finding.claim


@pytest.mark.parametrize(("metric", "endpoint"), [("p95_ms", "login"), ("mean_ms", "login"), ("reads_p95_ms", "")])
def test_dropped_arrivals_meet_no_bound_of_what_reaches_into_them(builder, tmp_path, metric, endpoint):
    run = builder.run(TUNED, "open-20")
    run.record["generator"]["dropped"] = {"warmup": 0, "measure": 9}
    experiment = builder.experiment(run)
    finding = objective(tmp_path, "open-20", "below = 1e9", metric, endpoint).evaluate(experiment)
    assert (finding.verdict, finding.effect, finding.interval) == (FAIL, math.inf, None)
    assert "reaches into dropped arrivals" in finding.evidence
    success = objective(tmp_path, "open-20", "at_least = 1", "success_ratio", "").evaluate(experiment)
    assert (success.verdict, success.effect) == (FAIL, pytest.approx(30 / 39))
    assert success.evidence.endswith("; 9 arrivals were dropped")


def test_latency_objective_without_a_success_fails_and_shows_failures_beside_a_value(builder, tmp_path):
    runs = [builder.run(TUNED, "burst-50", block=block) for block in range(2)]
    for row in runs[0].rows_of("login")[:10]:
        row |= {"ok": False, "error": "x", "latency_us": 1}
    below = objective(tmp_path, "burst-50", "below = 1e6")
    finding = below.evaluate(builder.experiment(*runs))
    assert finding.verdict == PASS
    assert finding.evidence.endswith(", of the successful responses; 10 of 100 requests failed")
    for row in (row for run in runs for row in run.rows_of("login")):
        row |= {"ok": False, "error": "x"}
    finding = below.evaluate(builder.experiment(*runs, name="dead"))
    assert (finding.verdict, finding.evidence) == (FAIL, "none of 100 requests was successful")


def test_objective_of_a_name_is_about_all_request_types_and_of_a_type_about_that_one(builder, tmp_path):
    run = builder.run(TUNED, "burst-50")
    for row in run.rows:
        row["endpoint"] = {"login": "POST item", "dashboard": "GET item", "search": "GET list"}[row["endpoint"]]
    experiment = builder.experiment(run)
    p95_ms = experiment.by_arm.set_index("endpoint")["p95_ms"]
    assert p95_ms["POST item"] < p95_ms["GET item"]
    for endpoint in ("GET item", "POST item", "GET list"):
        finding = objective(tmp_path, "burst-50", "below = 1", endpoint=endpoint).evaluate(experiment)
        assert finding.effect == pytest.approx(p95_ms[endpoint])
    both = objective(tmp_path, "burst-50", "below = 1", endpoint="item").evaluate(experiment)
    assert both.effect == pytest.approx(p95_ms["GET item"])
    assert both.evidence.startswith("GET item, the slowest of 2: p95 latency ")
    assert objective(tmp_path, "burst-50", "below = 1", endpoint="em").evaluate(experiment).verdict == NOT_MEASURED


def test_longest_of_all_counts_failed_requests_and_their_wait(builder, tmp_path):
    run = builder.run(TUNED, "burst-50")
    run.rows[0] |= {"ok": False, "error": "timeout", "response_us": 30_000_000}
    finding = objective(tmp_path, "burst-50", "below = 30_001", "longest_of_all_ms", "").evaluate(
        builder.experiment(run)
    )
    assert (finding.verdict, finding.effect) == (PASS, 30_000)
    assert "failed requests included" in finding.evidence


@pytest.mark.parametrize(("failing", "verdict"), [(0, PASS), (1, FAIL)])
def test_speedup_with_more_failures_fails(evaluate, builder, failing, verdict):
    fast = builder.run(TUNED)
    for row in fast.rows[:failing]:
        row["ok"] = False
    finding = evaluate("tuned-burst", builder.run(BASELINE), fast)
    assert finding.verdict == verdict
    assert ("no improvement, as 0.7% of the requests were not successful" in finding.evidence) == bool(failing)

"""The published advice on monitoring: from what the monitor counted in a run, and what the workers counted."""

import pytest

from analysis.findings import advice
from workbench.arms import BASELINE, BURST_50, MISSING_TABLE, MONITORED, SLOW_STATEMENT, TUNED

DASHBOARD, POOL = "Add connection pool monitoring dashboard", "Track connection pool utilization"
PERFORMANCE, ALERTS = "Set up performance monitoring dashboards", "Configure alerts for slow queries (>500ms)"
SPREAD = (1.0, 1.01, 0.99, 1.005)
COUNTS = {
    "requests": 150.0, "statements": 400.0, "slow_statements": 0.0, "connection_uses": 300.0, "connection_use_s": 1.5,
    "connections_allowed": 6.0, "exemplars": 9.0,
}  # fmt: skip


@pytest.fixture
def monitored(builder):
    """A run that had the monitor; `counts` differ from those of a complete one."""

    def monitored(scenario=BURST_50, block=0, served=150, **counts):
        run = builder.run(MONITORED, scenario, block=block, slower=0.05)
        run.record |= {"monitor": COUNTS | counts, "served": served}
        return run

    return monitored


@pytest.fixture
def advise(builder):
    def advise(text, *runs):
        findings = advice.findings(builder.experiment(*runs))
        return next(finding for finding in findings if finding.claim.endswith(f": {text}"))

    return advise


@pytest.mark.parametrize("text", [DASHBOARD, POOL, PERFORMANCE])
def test_a_monitor_that_counts_every_request_is_advised(advise, monitored, text):
    finding = advise(text, monitored())
    assert finding.verdict == "follow"
    assert "the monitor counted 150 of 150 requests in 1 run" in finding.evidence


def test_the_use_of_the_pool_is_part_of_the_evidence(advise, monitored):
    assert "300 uses of 6 connections, 5.0 ms on average" in advise(POOL, monitored()).evidence


def test_a_monitor_that_saw_no_use_of_the_pool_decides_nothing(advise, monitored):
    assert advise(POOL, monitored(connection_uses=0)).verdict == "not measured"


@pytest.mark.parametrize("text", [DASHBOARD, PERFORMANCE])
def test_a_monitor_that_missed_a_request_decides_nothing(advise, monitored, text):
    finding = advise(text, monitored(), monitored(block=1, requests=149))
    assert finding.verdict == "not measured"
    assert "299 of 300 requests" in finding.evidence


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "follow"), (1.5, "do not follow")])
def test_a_monitor_is_advised_unless_a_request_needs_more_cpu_time_with_it(advise, builder, monitored, factor, verdict):
    runs = [(builder.run(TUNED, block=block), monitored(block=block)) for block in range(4)]
    for block, (without, with_monitor) in enumerate(runs):
        for run, share in ((without, 1.0), (with_monitor, factor)):
            for row in run.process:
                row["cpu_us"] = round(row["cpu_us"] * SPREAD[block] * share)
    finding = advise(PERFORMANCE, *(run for pair in runs for run in pair))
    assert finding.verdict == verdict
    assert "CPU time of a request × " in finding.evidence


@pytest.mark.parametrize(
    ("noticed", "false", "verdict"), [(2, 0, "follow"), (0, 0, "do not follow"), (2, 1, "do not follow")]
)
def test_an_alert_for_slow_statements_is_advised_where_it_notices_them_and_nothing_else(
    advise, monitored, noticed, false, verdict
):
    runs = monitored(SLOW_STATEMENT, slow_statements=noticed), monitored(slow_statements=false)
    assert advise(ALERTS, *runs).verdict == verdict


def test_advice_on_monitoring_without_a_monitored_run_is_not_measured(advise, builder, monitored):
    findings = advice.findings(builder.experiment(builder.run()))
    verdicts = {each.claim.partition(": ")[2]: each.verdict for each in findings}
    assert {verdicts[text] for text in (DASHBOARD, POOL, PERFORMANCE, ALERTS)} == {"not measured"}


@pytest.mark.parametrize(("requests", "verdict"), [(150, "pass"), (140, "fail")])
def test_the_checklist_needs_the_monitor_to_count_every_request(evaluate, builder, monitored, requests, verdict):
    runs = builder.run(BASELINE, MISSING_TABLE), monitored(requests=requests)
    finding = evaluate("error-logging-and-monitoring", *runs)
    assert finding.verdict == verdict
    assert f"the monitor counted {requests} of 150 requests" in finding.evidence

"""Published values that depend on their machine, beside measured ones of the same setup."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.findings import published_report, published_values
from analysis.findings.evaluation import evaluate as evaluate_all
from workbench.arms import BASELINE, SINGLE, TUNED


def by_id(experiment):
    return {finding.id: finding for finding in published_values.findings(experiment)}


@pytest.fixture
def four_blocks(builder):
    """Bursts of 50 in four blocks that differ by 1 %, and single requests."""
    slower = enumerate((1.0, 1.01, 0.99, 1.0))
    runs = [builder.run(name, block=block, slower=factor) for block, factor in slower for name in (BASELINE, TUNED)]
    return builder.experiment(*runs, builder.run(BASELINE, SINGLE), builder.run(TUNED, SINGLE))


def test_findings_have_every_published_value(four_blocks):
    findings = by_id(four_blocks)
    published = {(row.users, row.endpoint): row.mean_ms for row in published_report.rows("load")}
    for (users, endpoint), mean_ms in published.items():
        assert findings[f"published-burst-{users}-{endpoint}"].bound == mean_ms
    for row in published_report.rows("totals"):
        for column in ("duration_s", "throughput_rps"):
            assert findings[f"published-burst-{row.users}-{column}"].bound == getattr(row, column)
    for row in published_report.rows("individual"):
        assert findings[f"published-single-{row.endpoint}-mean_ms"].bound == row.mean_ms


def test_finding_has_the_ratio_the_prediction_and_the_value_on_tuned(four_blocks):
    finding = by_id(four_blocks)["published-burst-50-login"]
    assert finding.effect == pytest.approx(2550 / 5119, rel=0.001)
    assert finding.verdict == "reported"
    assert finding.evidence.startswith("measured 2,550 ms (")
    assert "a single queue predicts 2,550 ms (+0.0%)" in finding.evidence
    assert "; tuned 128 ms (" in finding.evidence


def test_interval_is_that_of_one_more_run(four_blocks):
    finding = by_id(four_blocks)["published-burst-50-duration_s"]
    logs = np.log([1.0, 1.01, 0.99, 1.0])
    half_width = stats.t.ppf(0.975, 3) * logs.std(ddof=1) * math.sqrt(1 + 1 / 4)
    assert finding.interval[1] / finding.effect == pytest.approx(math.exp(half_width), rel=1e-3)


def test_interval_of_a_replicated_baseline_has_twice_the_variance(builder):
    slower = enumerate((1.0, 1.01, 0.99, 1.0))
    runs = [builder.run(block=n, slower=s, replicate=again) for n, s in slower for again in (False, True)]
    finding = by_id(builder.experiment(*runs))["published-burst-50-duration_s"]
    half_width = stats.t.ppf(0.975, 3) * np.log([1.0, 1.01, 0.99, 1.0]).std(ddof=1) * math.sqrt(2 + 1 / 4)
    assert finding.interval[1] / finding.effect == pytest.approx(math.exp(half_width), rel=1e-3)


@pytest.mark.parametrize("slower", [0.1, 1, 10])
def test_no_value_of_another_machine_is_an_improvement_or_a_regression(builder, slower):
    experiment = builder.experiment(*(builder.run(block=block, slower=slower) for block in range(4)))
    assert {finding.verdict for finding in by_id(experiment).values()} == {"reported", "not measured"}


def test_value_below_four_blocks_has_no_interval_and_without_a_run_is_not_measured(builder):
    findings = by_id(builder.experiment(builder.run()))
    assert findings["published-burst-50-login"].interval is None
    assert "(no interval)" in findings["published-burst-50-login"].evidence
    assert findings["published-burst-25-login"].verdict == "not measured"
    assert findings["published-burst-25-login"].evidence == "no valid run of burst-25 on as-measured"


def test_values_are_findings_of_their_own_kind(four_blocks):
    findings = {finding.id: finding for finding in evaluate_all(four_blocks) if finding.kind == "published-value"}
    finding = findings["published-burst-50-duration_s"]
    assert (finding.bound, finding.n) == (24.91, 4)
    assert finding.interval[0] < finding.effect < finding.interval[1]
    assert finding.command.startswith("python -m loadgen run --deployment as-measured --scenario burst-50")

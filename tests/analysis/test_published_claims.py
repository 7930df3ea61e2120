"""Published figures against measured ones of the same set-up."""

import pytest

from analysis.findings import finding as findings
from analysis.findings import published_claims
from analysis.metrics import published_report

BASE, OURS = "as-measured", "tuned"


def by_id(experiment):
    return {claim.id: claim for claim in published_claims.claims(experiment)}


@pytest.fixture
def four_blocks(made):
    """Bursts of 50 in four blocks that differ by 1 %, and single requests."""
    speeds = enumerate((1.0, 1.01, 0.99, 1.0))
    runs = [made.run(name, block=block, slower=speed) for block, speed in speeds for name in (BASE, OURS)]
    return made.experiment(*runs, made.run(BASE, "single"), made.run(OURS, "single"))


def test_every_published_figure_of_a_load_is_a_claim(four_blocks):
    found = by_id(four_blocks)
    stated = {(row.users, row.endpoint): row.mean_ms for row in published_report.load("load").itertuples()}
    for (users, endpoint), mean_ms in stated.items():
        assert found[f"published-burst-{users}-{endpoint}"].stated == mean_ms
    for row in published_report.load("totals").itertuples():
        for column in ("success_ratio", "duration_s", "throughput_rps"):
            assert found[f"published-burst-{row.users}-{column}"].stated == getattr(row, column)
    for row in published_report.load("individual").itertuples():
        assert found[f"published-single-{row.endpoint}-mean_ms"].stated == row.mean_ms


def test_a_figure_has_its_ratio_the_prediction_and_ours(four_blocks):
    claim = by_id(four_blocks)["published-burst-50-login"]
    assert claim.ratio.value == pytest.approx(2550 / 5119, rel=0.001)
    assert claim.verdict == "gain"
    assert claim.evidence.startswith("measured 2,550 ms (")
    assert "one queue predicts 2,550 ms (+0.0%)" in claim.evidence
    assert "; tuned 128 ms (" in claim.evidence


def test_right_answers_that_were_all_right_are_reproduced(four_blocks):
    assert by_id(four_blocks)["published-burst-50-success_ratio"].verdict == "same"


def test_more_requests_a_second_are_a_gain_and_fewer_a_loss(four_blocks, made):
    assert by_id(four_blocks)["published-burst-50-throughput_rps"].verdict == "gain"
    slow = made.experiment(*(made.run(block=block, slower=10) for block in range(4)), name="slow")
    assert by_id(slow)["published-burst-50-throughput_rps"].verdict == "loss"
    assert by_id(slow)["published-burst-50-duration_s"].verdict == "loss"


def test_without_blocks_enough_a_figure_is_undecided_and_without_a_run_not_measured(made):
    found = by_id(made.experiment(made.run()))
    assert found["published-burst-50-login"].verdict == "undecided"
    assert "(no interval)" in found["published-burst-50-login"].evidence
    assert found["published-burst-25-login"].verdict == "not measured"
    assert found["published-burst-25-login"].evidence == "no valid run of burst-25 on as-measured"


def test_the_figures_are_findings_of_their_own_kind(four_blocks):
    found = {finding.id: finding for finding in findings.judge(four_blocks) if finding.kind == "figure"}
    finding = found["published-burst-50-duration_s"]
    assert (finding.bound, finding.n) == (24.91, 4)
    assert finding.interval[0] < finding.effect < finding.interval[1]
    assert finding.command.startswith("python -m loadgen run --deployment as-measured --scenario burst-50")

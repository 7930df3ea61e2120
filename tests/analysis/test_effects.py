"""Findings of the effects of changes."""

import pytest

from analysis.findings import effects
from workbench.arms import BASELINE, TUNED


@pytest.fixture
def four_blocks(builder):
    """Bursts of 50 on as-measured and tuned, in four blocks that differ by 1 %."""
    slower = enumerate((1.0, 1.01, 0.99, 1.0))
    runs = [builder.run(name, block=block, slower=factor) for block, factor in slower for name in (BASELINE, TUNED)]
    return builder.experiment(*runs)


def test_effect_is_a_finding_with_its_interval_and_its_blocks(four_blocks):
    findings = {finding.id: finding for finding in effects.findings(four_blocks)}
    finding = findings["burst-50-as-measured-to-tuned-makespan_s"]
    assert finding.claim == "duration under burst-50: tuned instead of as-measured"
    assert (finding.verdict, finding.n, finding.level) == ("improvement", 4, 0.95)
    assert finding.effect == pytest.approx(1 / 20)
    low, high = finding.interval
    assert low <= finding.effect <= high
    assert finding.evidence.endswith(" of as-measured, p below 0.0001 after Holm's correction")
    assert set(finding.runs) == {run.name for run in four_blocks.runs}


def test_effect_below_four_blocks_has_no_interval(builder):
    findings = list(effects.findings(builder.experiment(builder.run(BASELINE), builder.run(TUNED))))
    assert {(finding.verdict, finding.interval, finding.level) for finding in findings} == {
        ("inconclusive", None, None)
    }

"""Failed requests are counted by arm, over all valid runs, dropped arrivals included."""

from analysis.failures_by_arm import failed_requests
from workbench.arms import BASELINE, BURST_50, TUNED


def failing(run, number):
    """The run with so many failed requests."""
    for row in run.rows[:number]:
        row |= {"ok": False, "status": 500, "error": "status 500"}
    return run


def test_failures_of_valid_runs_are_counted_by_arm(builder):
    runs = [
        builder.run(BASELINE, BURST_50),
        failing(builder.run(TUNED, BURST_50), 3),
        failing(builder.run(TUNED, BURST_50, block=1), 2),
        failing(builder.run(BASELINE, BURST_50, block=1), 9).invalid(),
    ]
    counts = failed_requests(builder.experiment(*runs))
    assert counts.failed == {BASELINE: 0, TUNED: 5}
    assert counts.sent == sum(len(run.rows) for run in runs[:3])
    assert counts.remark() == f"5 of {counts.sent} requests of valid runs failed: {TUNED} 5"


def test_nothing_is_printed_where_nothing_failed_or_is_known(builder):
    assert failed_requests(builder.experiment(builder.run(TUNED, BURST_50))).remark() == ""
    assert failed_requests(builder.experiment(builder.run(TUNED, BURST_50).invalid(), name="invalid")) is None

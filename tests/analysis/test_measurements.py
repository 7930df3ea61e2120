"""Values that the sentences of the page are made of: compared with the rows."""

import pytest

from analysis.findings.measurements import findings
from workbench.arms import BASELINE, TUNED

ONE_WORKER = "tuned-without-workers"
SPREAD = (1.0, 1.02, 0.98, 1.01)


@pytest.fixture
def measured(builder):
    """The findings by id of an experiment of these runs."""
    return lambda *runs: {finding.id: finding for finding in findings(builder.experiment(*runs))}


def test_totals_and_success_are_those_of_the_rows(measured, builder):
    runs = [builder.run(TUNED, block=block) for block in range(2)]
    for row in runs[0].rows[:30]:
        row["ok"] = False
    found = measured(*runs)
    assert found["requests-burst-50-tuned"].effect == 300
    assert found["successes-burst-50-tuned"].effect == 270
    assert found["success-burst-50-tuned"].effect == pytest.approx(0.9)
    assert {found[name].verdict for name in found if name.endswith("-tuned") and "burst" in name} == {"reported"}


def test_steps_are_before_over_after_and_multiply_to_the_whole(measured, builder):
    arms = ((BASELINE, 1.0), (ONE_WORKER, 0.1), (TUNED, 1.0))
    found = measured(*(
        builder.run(name, block=block, slower=slower * spread)
        for name, slower in arms for block, spread in enumerate(SPREAD)
    ))  # fmt: skip
    less_work, workers, whole = (
        found[f"step-{before}-to-{after}"]
        for before, after in ((BASELINE, ONE_WORKER), (ONE_WORKER, TUNED), (BASELINE, TUNED))
    )
    assert (less_work.effect, workers.effect) == (pytest.approx(10, rel=1e-3), pytest.approx(2, rel=1e-3))
    assert whole.effect == pytest.approx(less_work.effect * workers.effect)
    for step in (less_work, workers, whole):
        assert step.interval[0] <= step.effect <= step.interval[1]
        assert (step.n, step.level, len(step.runs)) == (4, 0.95, 8)


def test_one_block_gives_steps_without_an_interval(measured, builder):
    step = measured(builder.run(), builder.run(TUNED))["step-as-measured-to-tuned"]
    assert (step.effect, step.interval, step.level, step.n) == (pytest.approx(20, rel=1e-3), None, None, 1)


@pytest.mark.parametrize("missing", [BASELINE, TUNED, ONE_WORKER])
def test_a_step_without_one_of_its_rungs_is_not_measured(measured, builder, missing):
    found = measured(*(builder.run(name) for name in (BASELINE, TUNED, ONE_WORKER) if name != missing))
    for name, finding in found.items():
        if name.startswith("step-"):
            before, after = name.removeprefix("step-").split("-to-")
            assert (finding.verdict == "not measured") == (missing in (before, after)), name


def test_the_work_of_a_user_is_the_sum_of_single_requests(measured, builder):
    found = measured(builder.run(BASELINE, "single"), builder.run(TUNED, "single"))
    assert found["work-as-measured"].effect == pytest.approx(185, rel=0.01)
    assert found["work-tuned"].effect == pytest.approx(9.25, rel=0.01)
    assert "login 100.0 ms" in found["work-as-measured"].evidence


def test_memory_and_connections_are_the_largest_that_were_read(measured, builder):
    found = measured(builder.run(BASELINE), builder.run(TUNED))
    assert found["memory_mib-burst-50-tuned"].effect == 64
    assert found["connections_allowed-burst-50-as-measured"].effect == 50
    assert found["connections-burst-50-tuned"].effect == 2
    assert found["busiest_worker-burst-50-as-measured"].effect == 1


def test_a_reading_that_is_missing_is_not_measured(measured, builder):
    run = builder.run(TUNED)
    run.process = run.database = run.pool = None
    found = measured(run)
    assert found["memory_mib-burst-50-tuned"].verdict == "not measured"
    assert found["connections-burst-50-tuned"].verdict == "not measured"
    assert found["requests-burst-50-tuned"].verdict == "reported"


def test_users_who_all_fail_have_no_mean(measured, builder):
    run = builder.run(TUNED, "sustained-100")
    for row in run.rows:
        row["ok"] = False
    mean = measured(run)["mean-sustained-100-tuned"]
    assert (mean.verdict, mean.effect, mean.evidence) == ("not measured", None, "no success")


def test_parts_of_the_waterfall_are_findings_that_add_up(measured, builder):
    found = measured(builder.run(), builder.run(TUNED))
    parts = {name: finding.effect for name, finding in found.items() if name.startswith("part-")}
    assert parts.pop("part-latency") == pytest.approx(sum(parts.values()))
    assert not any(name.startswith("part-") for name in measured_names(builder))


def measured_names(builder):
    return {finding.id for finding in findings(builder.experiment(builder.run(), name="alone"))}


def test_an_experiment_without_a_run_has_steps_that_are_not_measured_and_nothing_else(measured):
    found = measured()
    assert {finding.verdict for finding in found.values()} == {"not measured"}
    assert all(name.startswith("step-") for name in found)

"""Series of recorded experiments: what enters them, where they are divided, and where they changed."""

import numpy as np
import pytest

from analysis.history import change_wording
from analysis.history.metric_series import all_series
from analysis.history.series_changes import MIN_EXPERIMENTS, verdicts
from analysis.history.summary_store import Summaries
from tests.histories import commit, factors, name_of, record_history
from workbench.arms import BASELINE, BURST_50, TUNED


@pytest.fixture
def summaries(builder, tmp_path, monkeypatch):
    """Read what was recorded."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    return lambda: Summaries.of_folder(builder.runs)


@pytest.fixture
def verdict(summaries):
    """The verdict of the only series."""

    def verdict():
        (only,) = verdicts(all_series(summaries().experiments))
        return only

    return verdict


def test_a_slower_half_is_a_change_between_its_experiments(builder, verdict):
    record_history(builder, factors((8, 1.0), (6, 1.5)))
    (change,) = verdict().changes
    assert (change.before.name, change.after.name) == (name_of(7), name_of(8))
    assert (change.count_before, change.count_after) == (8, 6)
    assert change.ratio == pytest.approx(1.5, rel=0.05)
    assert change.interval[0] < 1.5 < change.interval[1]
    assert change.is_worse
    assert not change.is_small


def test_a_fence_divides_a_series_and_is_no_change(builder, verdict):
    record_history(builder, factors((8, 1.0), (8, 1.5)), {8: {"python": "3.12.1"}})
    only = verdict()
    assert only.changes == ()
    assert only.series.fences == {8: ("Python 3.11.7 → 3.12.1",)}
    assert only.series.bounds == [(0, 8), (8, 16)]
    assert [(start, stop) for start, stop, _ in only.levels] == [(0, 8), (8, 16)]


def test_another_load_of_the_scenario_is_a_fence(builder, verdict):
    for name, users in (("20260101-a", 25), ("20260102-a", 30)):
        run = builder.run(TUNED, "burst-25")
        run.record["scenario"]["users"] = users
        builder.experiment(run, name=name)
    assert verdict().series.fences == {1: ("load burst-25: users 25 → 30",)}


def test_another_machine_has_series_of_its_own(builder, summaries):
    record_history(builder, factors((4, 1.0)), {2: {"cpu_model": "another"}})
    series = all_series(summaries().experiments)
    assert sorted((each.key.machine.split(",")[0], len(each.points)) for each in series) == [
        ("a processor", 2),
        ("another", 2),
    ]


def test_few_experiments_have_no_verdict_and_it_is_said_how_many_are_needed(builder, verdict):
    record_history(builder, factors((2, 1.0), (3, 2.0)))
    only = verdict()
    assert (only.changes, only.missing, only.is_searched) == ((), MIN_EXPERIMENTS - 5, False)
    assert f"{MIN_EXPERIMENTS} experiments without a fence between them are needed, {MIN_EXPERIMENTS - 5} more" in (
        change_wording.short_sentence([only])
    )


def test_what_is_invalid_incomplete_or_changed_enters_no_series_and_is_counted(builder, summaries):
    experiments = record_history(builder, factors((4, 1.0)))
    builder.experiment(builder.run(TUNED, BURST_50).invalid(), name="20260110-invalid")
    builder.experiment(builder.run(TUNED, BURST_50).cut_off(), name="20260111-half", status="running")
    (experiments[0].runs[0].directory / "run.json").write_text("{}")
    (builder.runs / "20260112-odd").mkdir()
    (builder.runs / "20260112-odd" / "experiment.json").write_text("{")
    read = summaries()
    (series,) = all_series(read.experiments)
    assert [point.name for point in series.points] == [name_of(1), name_of(2), name_of(3)]
    assert change_wording.left_out_sentence(read) == (
        "Left out of all series: 1 incomplete, 1 without a valid run, 1 changed after it was sealed, 1 unreadable."
    )


def test_an_arm_that_mostly_fails_has_no_value(builder, summaries):
    experiment = record_history(builder, [1.0])[0]
    failing = builder.run(TUNED, BURST_50)
    for row in failing.rows:
        row |= {"ok": False, "error": "status 503"}
    builder.experiment(failing, name="20260109-failing")
    values = {each.name: each.values for each in summaries().experiments}
    assert len(values[experiment.name]) == 1
    assert values["20260109-failing"] == ()


def test_headline_values_are_durations_tails_and_the_speedup(builder, summaries):
    runs = [builder.run(*arm) for arm in ((BASELINE, BURST_50), (TUNED, BURST_50), (TUNED, "sustained-100"))]
    probe = builder.run(TUNED, "open-8")
    builder.experiment(*runs, probes=[probe])
    values = {(each.arm, each.scenario, each.metric) for each in summaries().experiments[0].values}
    assert values == {
        (BASELINE, BURST_50, "duration"),
        (TUNED, BURST_50, "duration"),
        (TUNED, "sustained-100", "p95 latency of reads"),
        (TUNED, BURST_50, "times faster than as-measured"),
    }


def test_a_change_of_a_declared_arm_names_the_commits_of_its_own_repository(builder, verdict, tmp_path):
    ids = commit(tmp_path / "shop", "one", "make it slow", "three")
    for position, factor in enumerate(factors((8, 1.0), (6, 1.5))):
        head = ids[0] if position < 8 else ids[2]
        arm = {"name": "head", "kind": "command", "command": "serve", "folder": str(tmp_path / "shop"), "commit": head}
        run = builder.run(TUNED, BURST_50, slower=float(factor))
        source = {name: value for name, value in arm.items() if name != "name"}
        run.record["deployment"] |= {"name": "head", "source": source}
        run.record["started"] = f"2026-01-{position + 1:02d}T06:00:00.000Z"
        builder.experiment(
            run,
            name=name_of(position),
            profile="comparison",
            comparison={"arms": [arm], "application": {"name": "shop"}, "users": "0123456789ab"},
        )
    only = verdict()
    assert only.series.key.subject == "shop"
    assert only.series.is_headline
    (change,) = only.changes
    sentence = change_wording.change_sentence(change)
    assert sentence.startswith("head burst-50 duration: ")
    assert f"between {name_of(7)} ({ids[0][:10]}) and {name_of(8)} ({ids[2][:10]}), 2 commits; worse, p" in sentence
    assert [line.split(" ", 1)[1] for line in change_wording.commit_lines(change)] == ["three", "make it slow"]


def test_what_grows_with_each_experiment_drifts_and_has_no_change(builder, verdict):
    record_history(builder, factors((16, 1.0)) * [1 + 0.04 * position for position in range(16)])
    only = verdict()
    assert only.changes == ()
    (drift,) = only.drifts
    assert drift.ratio == pytest.approx(1.6, rel=0.1)
    assert "drifts: " in change_wording.drift_sentence(drift)


def test_what_wanders_is_said_to_be_of_no_one_level(builder, verdict):
    record_history(builder, np.exp(0.1 * np.sin(np.arange(16) / 16 * 2 * np.pi)))
    only = verdict()
    assert (only.changes, only.drifts, only.unsettled) == ((), (), ((0, 16),))
    (sentence,) = change_wording.unsettled_sentences(only)
    assert sentence.startswith(f"tuned burst-50 duration is not of one level from {name_of(0)} to {name_of(15)}")

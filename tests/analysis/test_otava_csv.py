"""CSV for Apache Otava: a row for each experiment that compares, and the configuration for them."""

import csv
import io
import json

import pytest

from analysis.exports.otava_csv import ATTRIBUTES, otava_configuration, otava_csv
from analysis.metrics.effect_metrics import EFFECT_METRICS


@pytest.fixture
def member(builder):
    """Writes an experiment of `tuned` under `burst-25`, on one day of January."""

    def write(day, slower=1.0, **environment):
        run = builder.run("tuned", "burst-25", slower=slower)
        run.record["started"] = f"2026-01-{day:02d}T00:00:00.000Z"
        run.record["environment"] = run.record["environment"] | environment
        return builder.experiment(run, name=f"of-day-{day}")

    return write


def rows(experiment, warnings=None):
    return list(csv.DictReader(io.StringIO(otava_csv(experiment, (warnings if warnings is not None else []).append))))


def test_each_experiment_is_a_row_in_the_order_of_time(member):
    newest = member(3, slower=2.0)
    member(1)
    member(2)
    history = rows(newest)
    assert [row["experiment"] for row in history] == ["of-day-1", "of-day-2", "of-day-3"]
    assert [row["time"] for row in history] == [f"2026-01-0{day}T00:00:00+00:00" for day in (1, 2, 3)]
    durations_s = [float(row["tuned.burst-25.makespan_s"]) for row in history]
    assert durations_s[2] == pytest.approx(2 * durations_s[0], rel=0.01)
    assert durations_s[0] == pytest.approx(newest.by_run["makespan_s"].iloc[0] / 2, rel=0.01)
    assert {row["commit"] for row in history} == {"0123456789"}


def test_each_metric_is_a_number_in_each_row(member):
    newest = member(2)
    member(1)
    for row in rows(newest):
        assert all(float(value) > 0 for name, value in row.items() if name not in ("time", *ATTRIBUTES))


def test_experiments_that_do_not_compare_are_left_out_and_named(member, builder):
    newest = member(3)
    member(1, cpu_model="another processor")
    builder.experiment(builder.run("tuned", "burst-50"), name="other-arms")
    builder.experiment(builder.run("tuned", "burst-25"), name="damaged").directory.joinpath(
        "experiment.json"
    ).write_text("{")
    warnings = []
    assert [row["experiment"] for row in rows(newest, warnings)] == ["of-day-3"]
    assert len(warnings) == 3
    assert any("of-day-1: processor a processor → another processor" in line for line in warnings)
    assert any("other-arms: it has no tuned.burst-25." in line for line in warnings)
    assert any("damaged" in line for line in warnings)


@pytest.mark.parametrize("text", ["some day", "9999-99-99", ""])
def test_an_experiment_whose_runs_have_no_time_is_left_out(member, builder, text):
    newest = member(2)
    run = builder.run("tuned", "burst-25")
    run.record["started"] = text
    builder.experiment(run, name="timeless")
    warnings = []
    assert [row["experiment"] for row in rows(newest, warnings)] == ["of-day-2"]
    assert warnings == ["left out: timeless: no run has the time of its start"]


def test_what_changed_since_the_row_above_is_named(member):
    newest = member(2, python="3.12.1")
    member(1)
    assert [row["fence"] for row in rows(newest)] == ["", "Python 3.11.7 → 3.12.1"]


@pytest.mark.parametrize("commit", ["=2+5", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_commit_that_is_a_formula_is_a_text(member, commit):
    (row,) = rows(member(1, commit=commit))
    assert row["commit"].startswith("'")


def test_the_configuration_names_file_columns_and_directions(member, tmp_path):
    experiment = member(1)
    test = json.loads(otava_configuration(experiment, tmp_path / "history.csv"))["tests"]["tracetrack"]
    (head, *_) = csv.reader(io.StringIO(otava_csv(experiment, print)))
    assert (test["type"], test["file"], test["time_column"]) == ("csv", str(tmp_path / "history.csv"), "time")
    assert ["time", *test["attributes"], *test["metrics"]] == head
    worse_when_lower = {metric.column for metric in EFFECT_METRICS if not metric.lower_is_better}
    for name, metric in test["metrics"].items():
        assert metric["direction"] == (1 if name.rpartition(".")[2] in worse_when_lower else -1)

"""Missed objectives on the page: the distance from the bound, and for the floor ratio the CPU time of the burst."""

import pytest

from analysis.findings.evaluation import evaluate
from reports.sections import Report
from reports.sections.comparison import join
from reports.sections.missed_objectives import missed_objectives
from tests.reports.page_reader import page_text
from workbench.arms import BASELINE, TUNED


@pytest.fixture
def objectives_text(builder):
    """The text of the objectives section of an experiment of these runs."""

    def text(*runs):
        experiment = builder.experiment(*runs, environment=runs[0].record["environment"])
        return page_text(join(*missed_objectives(Report(experiment, evaluate(experiment)))))

    return text


@pytest.fixture
def runs(builder):
    """Single requests and a burst of tuned on two cores, which one worker does not fill."""
    runs = [builder.run(TUNED, scenario) for scenario in ("single", "burst-50")]
    for run in runs:
        run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    return runs


def test_a_missed_floor_ratio_has_its_bound_and_its_cpu(objectives_text, runs):
    """Of 0.4625 s the worker computed nine tenths, 0.0925 of it hashes; the generator counted 0.225 s."""
    page = objectives_text(*runs)
    assert "Objective tuned-floor: the value is 2.86 against 2.5, 1.14 times the bound." in page
    assert "neither hash nor query, on 2 cores: workers 0.32 s, PostgreSQL 0.00 s, load generator 0.23 s." in page
    assert f"the ratio would be {(0.4625 - 0.225 / 2) / 0.161875:.2f}: an estimate" in page
    assert "What would change it: a server that spends less CPU on HTTP than gunicorn's threads, and the load" in page


def test_a_floor_ratio_short_of_its_aim_is_explained_too(objectives_text, builder):
    page = objectives_text(builder.run(TUNED, "single"), builder.run(TUNED, slower=1.2))
    assert "Objective tuned-floor: the value is 1.71 against 1.5, 1.14 times the aim." in page
    assert "What would change it" in page


def test_a_met_floor_ratio_is_not_explained(objectives_text, builder):
    assert "Objective tuned-floor" not in objectives_text(builder.run(TUNED, "single"), builder.run(TUNED))


def test_without_the_generators_own_count_nothing_is_estimated(objectives_text, runs):
    for run in runs:
        del run.record["generator"]
    page = objectives_text(*runs)
    assert "Objective tuned-floor" in page
    assert "load generator 0" not in page
    assert "estimate" not in page


def test_without_readings_there_is_no_cpu(objectives_text, runs):
    for run in runs:
        run.process = None
        del run.record["generator"]
    page = objectives_text(*runs)
    assert "What would change it" in page
    assert "neither hash nor query" not in page


def test_another_missed_objective_has_its_value_and_its_bound(objectives_text, builder):
    page = objectives_text(builder.run(BASELINE), builder.run(TUNED, slower=2))
    assert "Objective tuned-burst: the value is 10 against 12, 0.83 times the bound." in page
    assert "What would change it" not in page


def test_a_missed_success_objective_has_its_value_and_its_bound(objectives_text, builder):
    run = builder.run(TUNED)
    run.rows[0]["ok"] = False
    page = objectives_text(run)
    assert "Objective tuned-success: the value is 0.993 against 1, 0.99 times the bound." in page

"""What the page says of objectives that were missed: by how much, and of the floor where the CPU went."""

import pytest

from analysis.findings import finding
from reports import sections
from reports.sections import BASE, OURS, Report
from tests.builders import Builder
from tests.reports.test_sections import text

NAME = "duration over the least time of its hashes and queries at most 1.5, burst-50 on tuned"


@pytest.fixture
def said(tmp_path):
    """What stands with the objectives of an experiment of these runs."""

    def of(*runs):
        experiment = Builder(tmp_path / "runs").experiment(*runs, environment=runs[0].record["environment"])
        return text(sections.objectives(Report(experiment, finding.judge(experiment))))

    return of


@pytest.fixture
def runs(tmp_path):
    """Single requests and a burst of tuned on two cores, which one worker does not fill."""
    made = [Builder(tmp_path / "made").run(OURS, scenario) for scenario in ("single", "burst-50")]
    for run in made:
        run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    return made


def test_a_missed_floor_has_its_ratio_its_bound_and_its_cpu(said, runs):
    """Of 0.4625 s the worker computed nine tenths, 0.0925 of it hashes; the generator counted 0.225 s."""
    page = said(*runs)
    assert f"Missed: {NAME}. The figure is 2.857 against 1.5, 1.90 times the bound." in page
    assert "neither hash nor query, on 2 cores: workers 0.32 s, PostgreSQL 0.00 s, load generator 0.23 s." in page
    assert f"the ratio would be {(0.4625 - 0.225 / 2) / 0.161875:.2f}: an estimate" in page
    assert "What would change it: a server that spends less CPU on HTTP than gunicorn's threads, and the load" in page


def test_a_floor_that_was_kept_is_not_explained(said, tmp_path):
    made = Builder(tmp_path / "made")
    assert "Missed" not in said(made.run(OURS, "single"), made.run(OURS))


def test_without_the_generators_own_count_nothing_is_estimated(said, runs):
    for run in runs:
        del run.record["generator"]
    page = said(*runs)
    assert "Missed" in page
    assert "load generator 0" not in page
    assert "estimate" not in page


def test_without_readings_there_is_no_cpu(said, runs):
    for run in runs:
        run.process = None
        del run.record["generator"]
    page = said(*runs)
    assert "What would change it" in page
    assert "neither hash nor query" not in page


def test_another_missed_objective_has_its_figure_against_its_bound(said, tmp_path):
    made = Builder(tmp_path / "made")
    page = said(made.run(BASE), made.run(OURS, slower=2))
    claim = "duration at least 12 times shorter than on as-measured, burst-50 on tuned"
    assert f"Missed: {claim}. The figure is 10 against 12, 0.83 times the bound." in page
    assert "What would change it" not in page


def test_a_missed_objective_without_a_bound_has_its_evidence_alone(said, tmp_path):
    run = Builder(tmp_path / "made").run(OURS)
    run.rows[0]["ok"] = False
    page = said(run)
    assert "149 of 150 answers were right" in page
    assert "Missed: no failed request" not in page

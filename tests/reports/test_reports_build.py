"""`python -m reports build`: which page it makes, and what it says where there is none to make."""

import json

import pytest
from click.testing import CliRunner

from loadgen import machine_lock
from reports.__main__ import main
from reports.choice import recorded_experiment
from tests.builders import Builder
from tests.reports.page_reader import page_text
from workbench.errors import UserError


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A data folder with one single run and one experiment that is not complete."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    builder = Builder(tmp_path / "runs")
    builder.run("tuned", "burst-50").write(builder.runs / "single-runs" / "20260101-000000-tuned-burst-50")
    builder.experiment(builder.run("tuned", "single"), name="half", status="running")
    return builder


@pytest.fixture
def build(tmp_path):
    def build(*arguments):
        return CliRunner().invoke(main, ["build", *arguments, "--output", str(tmp_path / "html")])

    return build


@pytest.mark.parametrize("name", ["single-runs/20260101-000000-tuned-burst-50", "20260101-000000-tuned-burst-50"])
def test_build_of_a_run_prints_its_page_and_lists_it_in_the_index(runs, build, tmp_path, name):
    result = build("--run", name)
    assert result.exit_code == 0, result.output
    page = tmp_path / "html" / "20260101-000000-tuned-burst-50.html"
    assert result.output.splitlines() == [str(page)]
    assert "All 150 requests succeeded" in page_text(page.read_text())
    index = (tmp_path / "html" / "index.html").read_text()
    assert '<a href="20260101-000000-tuned-burst-50.html">20260101-000000-tuned-burst-50</a>' in index
    assert "half" in index


def test_build_of_a_run_by_its_path_and_of_an_experiments_run(runs, build, tmp_path):
    experiment = runs.runs / "half"
    (run,) = (path for path in experiment.iterdir() if path.is_dir())
    assert build("--run", str(run)).exit_code == 0
    assert (tmp_path / "html" / f"half-{run.name}.html").exists()
    assert f"half-{run.name}.html" in (tmp_path / "html" / "index.html").read_text()


def test_build_without_a_complete_experiment_names_the_page_of_the_newest_run(runs, build):
    result = build()
    assert isinstance(result.exception, SystemExit)
    assert "no complete experiment" in result.output
    assert "python -m reports build --run single-runs/20260101-000000-tuned-burst-50" in result.output


def test_build_without_anything_recorded_says_how_to_measure(tmp_path, monkeypatch, build):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path / "empty"))
    assert "make report measures one" in build().output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--run", "half"), "half is an experiment and no run; its page: python -m reports build --experiment half"),
        (("--experiment", "single-runs/20260101-000000-tuned-burst-50"), "is one run and no experiment; its page:"),
        (("--run", "nowhere"), "is not a run: it has no run.json"),
        (("--run", "x", "--experiment", "y"), "--experiment and --run name two pages"),
    ],
)
def test_build_of_the_wrong_kind_names_the_right_option(runs, build, arguments, message):
    result = build(*arguments)
    assert result.exit_code != 0
    assert message in result.output


def test_a_damaged_record_is_listed_and_does_not_stop_the_index(runs, build, tmp_path):
    for name, text in (("broken", "{"), ("odd", json.dumps({"run": "\x1b[31m<b>"}))):
        (runs.runs / "single-runs" / name).mkdir()
        (runs.runs / "single-runs" / name / "run.json").write_text(text)
    assert build("--run", "20260101-000000-tuned-burst-50").exit_code == 0
    index = (tmp_path / "html" / "index.html").read_text()
    assert index.count("cannot be read") == 2


def test_recorded_experiment_of_a_run_is_refused(runs):
    with pytest.raises(UserError, match="is one run and no experiment"):
        recorded_experiment("single-runs/20260101-000000-tuned-burst-50")


def test_report_beside_a_measurement_is_refused_and_discards_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_MACHINE_LOCK", "test-reports-build")
    findings = tmp_path / "html" / "findings.json"
    findings.parent.mkdir()
    findings.write_text("{}")
    with machine_lock.sole_use():
        result = CliRunner().invoke(main, ["report", "--profile", "smoke", "--output", str(findings.parent)])
    assert isinstance(result.exception, UserError | SystemExit)
    assert "is measuring on this machine" in str(result.exception) + result.output
    assert findings.read_text() == "{}"

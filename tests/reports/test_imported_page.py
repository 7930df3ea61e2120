"""Pages of imported results: what they say of the files, what they leave out, and that every number has a source."""

import re

import pytest
from click.testing import CliRunner

from analysis.__main__ import main
from analysis.conclusions import conclusions
from analysis.findings import findings_file
from reports import page_numbers
from reports.single_run import run_page
from tests.analysis.imports.result_files import jtl, jtl_row, write
from tests.analysis.imports.test_histogram_files import HGRM
from tests.reports import notebook_page
from workbench.recording import open_experiment, open_run

NAME = "both"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Import files of `before` and `after`, the second half as fast, in so many blocks; gives the experiment."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))

    def run(blocks, label="open"):
        given = {}
        for block in range(blocks):
            for arm, ms in (("before", 100), ("after", 50)):
                rows = [jtl_row(number, ms + block + number % 5, label=label) for number in range(200)]
                given.setdefault(arm, []).append(str(write(tmp_path / f"{arm}-{block}.jtl", jtl(rows))))
        options = [word for arm, files in given.items() for word in ("--arm", f"{arm}={','.join(files)}")]
        result = CliRunner().invoke(main, ["import", "--experiment", NAME, *options])
        assert result.exit_code == 0, result.output
        return open_experiment(tmp_path / "runs" / NAME, checks_digests=True)

    return run


@pytest.fixture
def page_of(tmp_path):
    """The text of the page of an experiment."""
    return lambda experiment: notebook_page.write(experiment, conclusions(experiment), tmp_path / "page.html")


def text_of(markup):
    shown = re.sub(r"<(script|style)[\s\S]*?</\1>", "", markup)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", shown))


def test_four_blocks_have_a_verdict_on_the_mean_latency(imported, page_of):
    text = text_of(page_of(imported(4)))
    assert "after against before" in text
    assert "Mean latency, imported" in text
    assert "1 better" in text
    assert "imported from JMeter" in text
    assert "machine not recorded" in text
    assert "fixed at the import" in text
    assert "declared before the measurement" not in text
    assert "Server-Timing" not in text
    assert "random" not in text
    assert "twice" not in text
    assert "A/A the same" not in text
    assert "the results with one number, which was given at the import; their order in time is not recorded" in text


def test_one_block_has_no_interval_and_the_page_says_so(imported, page_of):
    text = text_of(page_of(imported(1)))
    assert "No arm ran in 4 blocks or more, so no comparison of arms has an interval." in text
    assert "better" not in text


@pytest.mark.parametrize("blocks", [1, 4])
def test_every_number_of_the_page_names_its_source(imported, tmp_path, blocks):
    experiment = imported(blocks)
    notebook_page.write(experiment, conclusions(experiment), tmp_path / "page.html")
    assert list(page_numbers.without_source(page_numbers.read(tmp_path / "page.html"))) == []


def test_the_findings_have_no_command_and_no_machine(imported, tmp_path):
    experiment = imported(4)
    findings = conclusions(experiment)
    assert {finding.command for finding in findings} == {""}
    findings_file.write(findings, experiment, tmp_path / "findings.json")
    assert findings_file.read_for(experiment, tmp_path / "findings.json") == findings_file.as_stored(findings)


def test_a_label_that_is_markup_is_text(imported, page_of):
    experiment = imported(4, label=HOSTILE)
    assert "<img" not in page_of(experiment)
    assert "<img" not in run_page.html(experiment.runs[0])


def test_the_page_of_a_run_has_the_file_and_no_load_generator(imported):
    text = text_of(run_page.html(imported(1).runs[0]))
    assert "All 200 requests succeeded" in text
    assert "before-0.jtl" in text
    assert "Locust" not in text
    assert "kind of load not known" in text


def test_the_page_of_a_histogram_says_what_is_not_known(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    path = write(tmp_path / "x.hgrm", HGRM)
    assert (
        CliRunner().invoke(main, ["import", "--experiment", NAME, "--arm", f"a={path}", "--unit", "ms"]).exit_code == 0
    )
    text = text_of(run_page.html(open_run(tmp_path / "runs" / NAME / "1-01-a-imported")))
    assert "1,000 requests, of which it is not known how many failed" in text
    assert "The imported file does not say when a request was sent." in text
    assert "The imported file does not say which requests failed" in text
    assert "nan" not in text.lower().replace("nanosecond", "")

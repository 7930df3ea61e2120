"""A page of runs whose files lack something: what it would have told is not measured, and all else is as it was."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis.findings import finding as findings
from reports import charts, sections
from tests.builders import Builder
from tests.reports.test_sections import NO_FIGURE, every_section, text
from workbench.defects import ASKED_OF, READINGS
from workbench.recording import Experiment, open_experiment

ARMS = [
    *(
        (deployment, scenario)
        for deployment in ("as-measured", "tuned")
        for scenario in ("burst-25", "burst-50", "single")
    ),
    ("as-claimed", "burst-50"),
    ("as-measured", "missing-table"),
    ("as-measured", "reads"),
    ("as-measured-with-summary", "reads"),
    ("tuned", "sustained-100"),
]
COLUMNS = [
    *(("requests", column) for column in ASKED_OF),
    *((name, column) for name, (_, columns) in READINGS.items() for column in (columns[0], columns[-1])),
]
CHARTS = ("latency_by_endpoint", "percentiles", "where_time_goes", "timeline", "growth", "pool_use")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Experiment:
    made = Builder(tmp_path_factory.mktemp("whole"))
    return made.experiment(*(made.run(*arm) for arm in ARMS), probes=(made.run("tuned", "open-8"),))


@pytest.fixture(scope="module")
def verdicts(whole) -> dict[str, str]:
    return {finding.id: finding.verdict for finding in findings.judge(whole)}


def shown(experiment):
    """All that a page has of it, and what it found."""
    report = sections.Report(experiment, findings.judge(experiment))
    said = {name: text(section(report)) for name, section in every_section().items()}
    for name in CHARTS:
        assert getattr(charts, name)(report).text
    return said, report.findings


def spoiled(whole: Experiment, tmp_path: Path, change, pattern="*/requests.parquet") -> Experiment:
    there = shutil.copytree(whole.directory, tmp_path / "made")
    for path in there.glob(pattern):
        change(path)
    return open_experiment(there)


@pytest.mark.parametrize(("file", "column"), COLUMNS)
def test_what_rests_on_a_missing_column_is_not_measured(whole, verdicts, tmp_path, file, column):
    def drop(path):
        pq.write_table(pq.read_table(path).drop_columns([column]), path)

    said, found = shown(spoiled(whole, tmp_path, drop, f"*/{file}.parquet"))
    for finding in found:
        assert finding.verdict in (verdicts.get(finding.id), "not measured", "undecided"), finding
    for name, of in said.items():
        assert not NO_FIGURE.search(of), (name, of)


def test_no_column_of_the_readings_is_taken_for_granted_that_is_not_asked_for(whole, verdicts, tmp_path):
    def keep(path):
        wanted = READINGS[path.stem][1]
        table = pq.read_table(path)
        pq.write_table(table.select([name for name in table.column_names if name in wanted]), path)

    assert shown(spoiled(whole, tmp_path, keep, "*/[!r]*.parquet"))
    assert {of.id: of.verdict for of in findings.judge(open_experiment(tmp_path / "made"))} == verdicts


@pytest.mark.parametrize("file", ["requests", *READINGS])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_text("user,endpoint\n1,login\n"),
        Path.unlink,
    ],
    ids=["empty", "truncated", "foreign", "gone"],
)
def test_a_file_that_cannot_be_read_takes_nothing_else_with_it(whole, verdicts, tmp_path, file, spoil):
    said, found = shown(spoiled(whole, tmp_path, spoil, f"*-as-measured-burst-50/{file}.parquet"))
    for finding in found:
        assert finding.verdict in (verdicts.get(finding.id), "not measured", "undecided"), finding
    of_tuned = {finding.id: finding.verdict for finding in found if finding.kind == "objective"}
    assert of_tuned["tuned-success"] == verdicts["tuned-success"] == "pass"
    for name, of in said.items():
        assert not NO_FIGURE.search(of), (name, of)

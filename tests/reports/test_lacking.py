"""The page of runs with missing columns or unreadable files: affected values are not measured, others unchanged."""

import pickle
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis.findings.evaluation import evaluate
from analysis.queueing import burst_simulation
from reports.sections import Report
from tests.builders import Builder, reseal
from tests.reports.page_reader import FOLDED, MISSING_VALUE, SECTIONS, page_text
from workbench.defects import READING_QUESTIONS
from workbench.recording import Experiment, open_experiment
from workbench.request_schema import REQUIRED, SCHEMA

pytestmark = pytest.mark.exhaustive
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
    *(("requests", column) for column in SCHEMA.names if column not in REQUIRED),
    *((name, column) for name, (_, columns) in READING_QUESTIONS.items() for column in (columns[0], columns[-1])),
]


@pytest.fixture(scope="module", autouse=True)
def remembered_simulations():
    """Simulate each burst once: most of the experiments here have the same demands, and then the same bursts."""
    bursts = {}

    class Remembered(burst_simulation.Simulation):
        def __init__(self, server, demands, seed):
            super().__init__(server, demands, seed)
            self._drawn_from = pickle.dumps((server, demands, seed))

        def burst(self, users, steps):
            key = (self._drawn_from, users, tuple(steps))
            if key not in bursts:
                bursts[key] = super().burst(users, steps)
            return bursts[key].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(burst_simulation, "Simulation", Remembered)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Experiment:
    builder = Builder(tmp_path_factory.mktemp("whole"))
    return builder.experiment(*(builder.run(*arm) for arm in ARMS), probes=(builder.run("tuned", "open-8"),))


@pytest.fixture(scope="module")
def verdicts(whole) -> dict[str, str]:
    return {finding.id: finding.verdict for finding in evaluate(whole)}


def rendered(experiment):
    """The text of every section of its page, and its findings."""
    report = Report(experiment, evaluate(experiment))
    texts = {name: page_text(section(report)) for name, section in (SECTIONS | FOLDED).items()}
    return texts, report.findings


def spoiled(whole: Experiment, tmp_path: Path, change, pattern="*/requests.parquet") -> Experiment:
    copy = shutil.copytree(whole.directory, tmp_path / "made")
    for path in copy.glob(pattern):
        change(path)
    for path in copy.glob("*/run.json"):
        reseal(path.parent)
    return open_experiment(copy)


@pytest.mark.parametrize(("file", "column"), COLUMNS)
def test_findings_that_need_a_missing_column_are_not_measured(whole, verdicts, tmp_path, file, column):
    def drop(path):
        pq.write_table(pq.read_table(path).drop_columns([column]), path)

    texts, findings = rendered(spoiled(whole, tmp_path, drop, f"*/{file}.parquet"))
    for finding in findings:
        assert finding.verdict in (verdicts.get(finding.id), "not measured", "inconclusive"), finding
    for name, text in texts.items():
        assert not MISSING_VALUE.search(text), (name, text)


def test_columns_of_the_readings_that_are_not_required_are_not_used(whole, verdicts, tmp_path):
    def keep(path):
        wanted = READING_QUESTIONS[path.stem][1]
        table = pq.read_table(path)
        pq.write_table(table.select([name for name in table.column_names if name in wanted]), path)

    assert rendered(spoiled(whole, tmp_path, keep, "*/[!r]*.parquet"))
    assert {finding.id: finding.verdict for finding in evaluate(open_experiment(tmp_path / "made"))} == verdicts


@pytest.mark.parametrize("file", ["requests", *READING_QUESTIONS])
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
def test_a_file_that_cannot_be_read_affects_no_other_run(whole, verdicts, tmp_path, file, spoil):
    texts, findings = rendered(spoiled(whole, tmp_path, spoil, f"*-as-measured-burst-50/{file}.parquet"))
    for finding in findings:
        if finding.verdict == "invalid":
            assert "burst-50 on as-measured" in finding.evidence, finding
        else:
            assert finding.verdict in (verdicts.get(finding.id), "not measured", "inconclusive"), finding
    of_tuned = {finding.id: finding.verdict for finding in findings if finding.kind == "objective"}
    assert of_tuned["tuned-success"] == verdicts["tuned-success"] == "pass"
    for name, text in texts.items():
        assert not MISSING_VALUE.search(text), (name, text)

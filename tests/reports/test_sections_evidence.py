"""The evidence section: runs, gates and A/A differences."""

import math

from scipy import stats

from reports.sections import evidence
from tests.reports.page_reader import column, page_text, report_of, table_cells
from workbench.arms import BASELINE, LABELS, TUNED


def test_the_evidence_lists_every_run_and_marks_the_invalid_ones(builder):
    experiment = builder.experiment(builder.run(), builder.run(block=1).invalid(), builder.run(block=2).cut_off())
    rows = table_cells(evidence.evidence(report_of(experiment)), "Runs behind this page")
    assert list(rows) == [run.name for run in experiment.runs]
    assert list(column(rows, "valid").values()) == ["pass", "invalid", "invalid"]
    assert list(column(rows, "status").values()) == ["complete", "complete", "cut off"]
    assert column(rows, "reasons")[list(rows)[1]].startswith("generator CPU")


def test_each_run_that_ended_has_the_value_of_each_gate(builder):
    experiment = builder.experiment(builder.run(), builder.run("tuned", "open-20"), builder.run(block=2).cut_off())
    rows = table_cells(evidence.evidence(report_of(experiment)), "Gates of each run")
    assert list(rows) == [run.name for run in experiment.runs[:2]]
    assert list(column(rows, "generator CPU, share of one core (at most 80.0%)").values()) == ["10.0%", "10.0%"]
    assert list(column(rows, "rows missing against the generator's count (none)").values()) == ["0", "0"]
    assert all("dispatch lag p99, ms (at most 5.00)" not in cells for cells in rows.values())


def test_aa_differences_come_from_arms_with_a_replicate(builder):
    runs = [
        builder.run(block=block, replicate=replicate, slower=slower)
        for block, replicate, slower in ((0, True, 1.1), (0, False, 1), (1, False, 2), (1, True, 1.9))
    ]
    rows = table_cells(evidence.evidence(report_of(builder.experiment(*runs, builder.run(TUNED)))), "A/A differences")
    assert rows[LABELS[BASELINE]]["second over first, by block"] == "1.10, 0.95"
    assert "noise floor" not in rows[LABELS[BASELINE]]
    assert list(rows) == [LABELS[BASELINE]]
    once = builder.experiment(builder.run(), builder.run(replicate=True).invalid(), name="once")
    assert "In no block are both runs of an A/A pair valid" in page_text(evidence.evidence(report_of(once)))
    alone = builder.experiment(builder.run(), name="alone")
    assert "No arm has an A/A replicate" in page_text(evidence.evidence(report_of(alone)))


def test_postgresql_is_named_where_its_version_is_on_record_alone(builder):
    experiment = builder.experiment(builder.run())
    for version in ("18.1", None):
        experiment.record["environment"]["postgresql"] = version
        text = page_text(evidence.evidence(report_of(experiment)))
        assert ("PostgreSQL 18.1, " in text) == (version is not None)
        assert "PostgreSQL unknown" not in text
        assert ", commit of the workbench " in text


def test_aa_differences_of_four_blocks_have_the_noise_floor(builder):
    runs = [
        builder.run(block=block, replicate=replicate, slower=1.1 if replicate else 1)
        for block in range(4)
        for replicate in (False, True)
    ]
    experiment = builder.experiment(*runs)
    rows = table_cells(evidence.evidence(report_of(experiment)), "A/A differences")
    floor = math.exp(stats.t.ppf(0.975, 4) * math.log(1.1))
    assert rows[LABELS[BASELINE]]["noise floor"] == f"{floor - 1:.1%}"


def test_evidence_has_the_seed_of_the_experiment(builder):
    assert "seed 1." in page_text(evidence.evidence(report_of(builder.experiment(builder.run()))))

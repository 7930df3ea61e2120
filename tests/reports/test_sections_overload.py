"""The section on overload: a curve, a row for each multiple, and the verdicts."""

import re

import pytest

from analysis.findings import overload_claims
from reports.sections import overload
from reports.sections.comparison import Report
from tests.analysis.overloads import admitted, collapsed, overloaded
from tests.reports.page_reader import page_text, report_of, table_cells, table_rows
from workbench.arms import BASELINE, LIMITED, TUNED

CAPTION = "Overload, by set-up and multiple of the base rate"


@pytest.fixture
def section(builder):
    runs = [
        overloaded(builder, deployment, f"overload-{times}", outcome)
        for deployment, outcome in ((LIMITED, admitted), (BASELINE, collapsed))
        for times in (1, 5)
    ]
    experiment = builder.experiment(*runs)
    return overload.overload(Report(experiment, list(overload_claims.findings(experiment))))


def test_each_set_up_has_a_row_for_each_multiple_and_failed_targets_a_mark(section):
    text = page_text(section)
    assert 'id="fig-goodput"' in str(section)
    assert CAPTION in text
    assert "never ✗" in text
    assert "100 of 500 requests/s" in str(section)


def test_each_target_has_its_verdict(section):
    targets = table_cells(section, "Targets under overload")
    verdicts = {name: row["verdict"] for name, row in targets.items()}
    assert len(verdicts) == 16
    kept = next(verdict for name, verdict in verdicts.items() if "maximum, tuned, limited" in name)
    assert kept == "pass"
    recovered = [verdict for name, verdict in verdicts.items() if name.startswith("time after the overload")]
    assert recovered == ["pass", "fail"]


def shown(experiment):
    return overload.overload(Report(experiment, list(overload_claims.findings(experiment))))


def rows_of(section):
    head, *rows = table_rows(section, CAPTION)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_each_multiple_has_what_was_sent_and_what_each_class_keeps_with_numbers(section):
    row = rows_of(section)[1]
    assert row["sent when due"] == "100.0%"
    assert row["reads kept"] == "0.79"
    assert row["logins kept"] == "5.00"
    assert "5.00 (n = 25 before, 200 during)" in page_text(section)


def test_classes_that_are_kept_are_in_a_sentence(section):
    assert re.search(
        r"times the rate of the same mix, goodput of reads is [\d.]+ times that before the overload, and that of "
        r"logins [\d.]+ times\.", page_text(section)
    )  # fmt: skip


def test_a_load_that_was_not_sent_is_marked_as_invalid(builder):
    run = overloaded(builder, LIMITED, "overload-5", admitted)
    run.record["generator"]["dropped"] = {"warmup": 0, "measure": 1000}
    section = shown(builder.experiment(run))
    assert rows_of(section)[0]["sent when due"] == "80.0% invalid"
    assert "Invalid, see below: 1." in page_text(section)


def test_a_multiple_without_a_valid_run_has_a_row_and_its_reason(builder):
    runs = [overloaded(builder, LIMITED, f"overload-{times}", admitted) for times in (1, 5)]
    section = shown(builder.experiment(runs[0], runs[1].invalid("dispatch lag p99: 9 ms")))
    assert [(row["load"], row["goodput (/s)"]) for row in rows_of(section)] == [("1×", "20"), ("5×", "invalid")]
    assert "dispatch lag p99: 9 ms" in page_text(section)


def test_five_times_without_a_valid_run_is_in_a_sentence(builder):
    runs = [overloaded(builder, LIMITED, f"overload-{times}", admitted) for times in (1, 5)]
    text = page_text(shown(builder.experiment(runs[0], runs[1].invalid())))
    assert text.startswith("Goodput at 5 times the base rate: no valid run.")


def test_five_times_without_a_valid_run_of_one_set_up_names_it(builder):
    run = overloaded(builder, BASELINE, "overload-5", collapsed).invalid()
    experiment = builder.experiment(overloaded(builder, LIMITED, "overload-5", admitted), run)
    assert "Goodput at 5 times the base rate: no valid run on the published set-up." in page_text(shown(experiment))


def test_five_times_with_valid_runs_has_no_such_sentence(section):
    text = page_text(section)
    assert "base rate: no valid run" not in text
    assert "Dots: multiples of the base rate." in text


def test_a_set_up_that_does_not_sustain_its_base_rate_is_named(builder):
    run = overloaded(builder, BASELINE, "overload-1", lambda piece, at_s, number: collapsed(number % 2, at_s, number))
    text = page_text(shown(builder.experiment(run)))
    assert re.search(r"The published set-up does not sustain its base rate here: goodput \d+ of \d+ requests/s\.", text)


def test_an_overload_with_invalid_runs_alone_has_its_rows(builder):
    section = shown(builder.experiment(overloaded(builder, LIMITED, "overload-5", admitted).invalid()))
    assert [row["goodput (/s)"] for row in rows_of(section)] == ["invalid"]


def test_without_an_overload_there_is_nothing(builder):
    assert str(overload.overload(report_of(builder.experiment(builder.run(TUNED))))) == ""

"""The first screen and the conclusions: the verdict in a sentence, the checklist and the objectives."""

import pytest

from reports import sections
from tests.reports.page_reader import column, page_text, report_of, table_cells
from workbench.arms import BASELINE, TUNED


def test_the_verdict_of_an_improvement_has_the_speedup(builder):
    runs = builder.run(), builder.run(TUNED, slower=4)
    for run in runs:
        run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    report = report_of(builder.experiment(*runs))
    assert sections.verdict(report) == (
        "50 users at once are served in 1.85 s instead of 9.25 s: the published set-up queues every user behind "
        "one worker, and the tuned one is 5.0 times faster (no interval: 1 block)."
    )
    assert sections.verdict(report) in page_text(sections.summary(report))
    assert sections.verdict(report) in page_text(sections.conclusion(report))


def test_the_verdict_names_the_saturated_resource(builder):
    report = report_of(builder.experiment(builder.run(), builder.run(TUNED, slower=4)))
    assert ": on the published set-up the saturated resource was the CPU: 1 cores, 112.4% in use" in sections.verdict(
        report
    )


def test_the_verdict_of_a_regression_has_both_durations(builder):
    report = report_of(builder.experiment(builder.run(), builder.run(TUNED, slower=40)))
    assert sections.verdict(report) == (
        "50 users at once take 18.50 s on the tuned set-up, and only 9.25 s on the published one."
    )


@pytest.mark.parametrize("missing", [BASELINE, TUNED])
def test_without_both_deployments_there_is_no_verdict(reports, missing):
    report = reports("without tuned" if missing == TUNED else "without as-measured")
    wanted = "This experiment did not measure 50 users at once on both deployments."
    assert sections.verdict(report) == wanted
    assert wanted in page_text(sections.conclusion(report))


def test_the_summary_counts_the_checklist(reports):
    assert "9 of 10" in page_text(sections.summary(reports("full")))
    assert "1 fail, 0 not measured" in page_text(sections.summary(reports("full")))


@pytest.mark.parametrize("scale", ["small", "production"])
@pytest.mark.parametrize("runs", [(BASELINE,), (BASELINE, TUNED)])
def test_the_summary_of_a_small_scale_is_not_to_be_quoted(builder, scale, runs):
    report = report_of(builder.experiment(*(builder.run(name) for name in runs), scale=scale))
    assert ("not to be quoted" in page_text(sections.summary(report))) == (scale == "small")


def test_every_finding_is_in_its_table(reports):
    report = reports("full")
    for section, kind, caption in (
        (sections.checklist, "checklist", "The published checklist, evaluated"),
        (sections.checklist, "published-setup", "The published set-up, evaluated"),
        (sections.objectives, "objective", "Objectives"),
    ):
        shown = table_cells(section(report), caption)
        wanted = {finding.claim: finding.verdict for finding in report.findings if finding.kind == kind}
        assert column(shown, "verdict") == wanted


def test_dropped_arrivals_stand_above_the_verdict(builder):
    probe = builder.run(TUNED, "open-20")
    probe.record["generator"]["dropped"] = {"warmup": 2, "measure": 7}
    experiment = builder.experiment(builder.run(), builder.run(TUNED), probe)
    assert (
        page_text(sections.summary(report_of(experiment)))
        .strip()
        .startswith(
            "9 arrivals of open load were dropped (1-03-tuned-open-20). They count as slower than every latency."
        )
    )
    plain = builder.experiment(builder.run(), builder.run(TUNED), name="plain")
    assert "dropped" not in page_text(sections.summary(report_of(plain)))

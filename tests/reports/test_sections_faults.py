"""The section about faults: its sentence, the tables of both set-ups, and the charts."""

import pytest

from analysis.findings import fault_findings
from reports.sections import faults, trust, verdict
from reports.sections.comparison import Report
from tests.faulted_runs import between, fail, faulted, refuse
from tests.reports.page_reader import page_text, table_cells

TUNED, PUBLISHED = "Faults on the tuned set-up", "The same faults with the published settings"


def shown(experiment):
    return faults(Report(experiment, list(fault_findings.findings(experiment))))


def broken(builder, deployment="tuned"):
    run = faulted(builder, "bags-locked", deployment)
    fail(between(run, 8, 13), "timeout", after_s=12.0)
    return run


def test_faults_without_such_a_run_names_the_command(builder):
    assert page_text(shown(builder.experiment(builder.run()))) == "Runs under faults are made by make resilience."


def test_faults_have_a_sentence_that_counts_clean_failures(builder):
    text = page_text(shown(builder.experiment(broken(builder), faulted(builder, "store-away"))))
    assert text.startswith(
        "Under 2 faults the tuned set-up fails cleanly and recovers in 1: each failure is a clear refusal, no answer"
    )
    assert "Of 120 acknowledged writes 0 were lost and 0 stored twice." in text


def test_faults_say_what_pass_means_and_what_it_does_not(builder):
    text = page_text(shown(builder.experiment(faulted(builder, "bags-locked"), faulted(builder, "store-away"))))
    assert (
        "Pass means: every failure is a clear refusal to try again later, no request takes over 10 s, and the service "
        "is back within 2 s after the end of the fault. Pass does not mean that the service stays up: without "
        "PostgreSQL or Valkey it refuses requests until that is back."
    ) in text
    assert "without PostgreSQL it refuses" in page_text(
        shown(builder.experiment(faulted(builder, "bags-locked"), name="b"))
    )


def test_first_screen_of_an_experiment_without_a_burst_has_the_faults(builder):
    experiment = builder.experiment(broken(builder), faulted(builder, "store-away"))
    text = page_text(verdict(Report(experiment, list(fault_findings.findings(experiment)))))
    assert "Under 2 faults the tuned set-up fails cleanly and recovers in 1" in text
    assert "Clean failure and recovery, tuned 1 of 2 faults." in text
    assert "Acknowledged writes lost or stored twice 0 of 120, in all runs under faults" in text
    assert "Faults with a missed target: lock on bags, tuned." in text


def test_faults_have_a_row_each_and_what_fails_comes_first(builder):
    run = faulted(builder, "store-away")
    refuse(between(run, 8, 14), after_s=0.25)
    rows = table_cells(shown(builder.experiment(run, broken(builder))), TUNED)
    assert list(rows) == ["lock on bags", "Valkey away"]
    assert rows["Valkey away"] == {
        "verdict": "pass",
        "failed": "240 of 760 requests: 240 refused",
        "longest (s)": "0.25",
        "first success (s)": "0.01",
        "p95 as before (s)": "0.00",
    }
    assert rows["lock on bags"]["verdict"] == "fail"


def test_faults_say_by_how_much_a_target_is_missed(builder):
    rows = table_cells(shown(builder.experiment(broken(builder))), "Targets that the tuned set-up misses")
    assert "the longest request took 12.00 s (limit 10 s)" in rows["lock on bags"]["missed"]


def test_faults_with_published_settings_have_a_table_of_their_own(builder):
    page = shown(builder.experiment(faulted(builder, "bags-locked"), broken(builder, "as-measured")))
    assert table_cells(page, TUNED)["lock on bags"]["verdict"] == "pass"
    assert table_cells(page, PUBLISHED)["lock on bags"]["verdict"] == "fail"


def test_faults_name_a_set_up_that_is_neither_of_the_two(builder):
    page = shown(builder.experiment(faulted(builder, "sessions-full", "tuned-without-shared-sessions")))
    assert list(table_cells(page, TUNED)) == ["session folder full (tuned with sessions in files)"]


def test_faults_that_were_left_out_stand_with_their_reason(builder):
    left_out = [{"deployment": "tuned", "scenario": "fault-clock-stepped", "reason": "libfaketime is not installed"}]
    page = shown(builder.experiment(faulted(builder, "bags-locked"), left_out=left_out))
    rows = table_cells(page, "Faults that were not run")
    assert rows["wall clock stepped, tuned"]["reason"] == "not run: libfaketime is not installed"
    assert "Not run: 1." in page_text(page)


def test_faults_have_a_chart_with_the_fault_as_a_band(builder):
    page = str(shown(builder.experiment(broken(builder))))
    assert '<figure id="fig-fault-bags-locked-tuned"' in page
    assert "lock on bags: 8.0 s to 13.0 s" in page


def test_faults_name_the_finding_of_each_number(builder):
    page = str(shown(builder.experiment(broken(builder))))
    assert 'data-source="fault-bags-locked-tuned">200 of 720 requests: 200 others<' in page


@pytest.mark.parametrize("name", ["generator-killed", "kernel-killed"])
def test_faults_that_end_the_run_have_rows_of_the_aborted_run(builder, name):
    page = shown(builder.experiment(faulted(builder, name).aborted()))
    (row,) = table_cells(page, TUNED).values()
    assert [row[name] for name in ("verdict", "first success (s)", "p95 as before (s)")] == [
        "pass", "the run ends", "the run ends",
    ]  # fmt: skip


@pytest.mark.parametrize("experiment_of", [verdict, trust], ids=["first screen", "trust"])
def test_a_run_that_its_fault_ended_is_counted_apart_and_never_invalid(builder, experiment_of):
    runs = [faulted(builder, "generator-killed").aborted(), faulted(builder, "bags-locked")]
    experiment = builder.experiment(*runs, faulted(builder, "store-away").invalid())
    text = page_text(experiment_of(Report(experiment, list(fault_findings.findings(experiment)))))
    assert "1 of 3 runs valid, 1 ended by their fault, as planned" in text
    if experiment_of is trust:
        assert "Invalid, and in no figure: 1 run, for generator CPU (1)." in text
        assert "ended by its fault" in text


def test_faults_that_end_the_measurement_stand_apart_on_the_card(builder):
    experiment = builder.experiment(faulted(builder, "generator-killed").aborted(), faulted(builder, "bags-locked"))
    text = page_text(verdict(Report(experiment, list(fault_findings.findings(experiment)))))
    assert "tuned 1 of 1 faults. Besides, 1 of 1 that end the measurement leave a record that can be read." in text


def test_published_settings_have_their_faults_in_the_order_of_the_tuned_set_up(builder):
    runs = [faulted(builder, "failover"), broken(builder), faulted(builder, "failover", "as-measured")]
    runs += [faulted(builder, name, "as-measured") for name in ("bags-locked", "slow-statement")]
    page = shown(builder.experiment(*runs))
    assert list(table_cells(page, TUNED)) == ["lock on bags", "PostgreSQL away for 20 s"]
    assert list(table_cells(page, PUBLISHED)) == ["lock on bags", "PostgreSQL away for 20 s", "one slow statement"]


def test_fault_tables_are_stacked_on_a_phone(builder):
    page = str(shown(builder.experiment(faulted(builder, "bags-locked"))))
    assert page.index('<div class="stack">') < page.index(TUNED) < page.index("</table>")


def test_faults_show_connections_and_failures_in_flight(builder):
    run = faulted(builder, "worker-killed")
    run.record["connections"]["after_load"] = 5
    fail(between(run, 7.9, 8), "connection reset", after_s=0.2)
    other = faulted(builder, "bags-locked")
    other.record["connections"] |= {"after_stop": None}
    page = shown(builder.experiment(run, other))
    rows = table_cells(page, "What was leaked and lost")
    names = "connections after the load / allowed / after the end", "failed requests in flight"
    assert [rows["worker killed, tuned"][name] for name in names] == ["5 / 6 / 0", "4"]
    assert [rows["lock on bags, tuned"][name] for name in names] == ["6 / 6 / ?", "no worker"]
    assert 'data-source="fault-worker-killed-tuned">5 / 6 / 0<' in str(page)

"""Caches, sessions and workers: as declared, by deployment, and the choice of workers."""

import pytest

from analysis.findings import session_storage
from reports.sections import requests
from reports.sections.comparison import Report
from tests.reports.page_reader import column, page_text, report_of, table_cells
from workbench.arms import BASELINE, CLAIMED, LABELS, TUNED

HERE = LABELS[BASELINE]


def test_the_caches_show_their_outcomes(reports):
    rows = table_cells(requests.caches(reports("full")), "The caches, declared and in use")
    assert rows["responses from the cache"] | {"measured / published": ""} == {
        "published": "–", HERE: "0", "measured / published": "", LABELS[CLAIMED]: "100", "tuned": "100",
    }  # fmt: skip
    assert rows["lifetime of dashboard responses (s)"][HERE] == "not in force"
    assert rows["lifetime of dashboard responses (s)"]["tuned"] == "10"


def test_the_sessions_show_their_time(reports):
    rows = table_cells(requests.sessions(reports("full")), "The session, declared and measured")
    assert rows["session time, login (ms)"][HERE] == "4.00"
    assert (rows["storage"][HERE], rows["storage"]["tuned"]) == ("filesystem", "shared")


def test_caches_are_shown_by_deployment_and_endpoint(builder):
    tuned = builder.run(TUNED)
    for row in tuned.rows_of("search")[:3]:
        row["cache"] = "miss"
    rows = table_cells(requests.caches(report_of(builder.experiment(builder.run(), tuned))), "Caches by set-up")
    assert list(rows) == [HERE, TUNED]
    assert column(rows, "cache") == {HERE: "off", TUNED: "process"}
    assert column(rows, "search: hit") == {HERE: "–", TUNED: "47"}
    assert column(rows, "search: miss") == {HERE: "–", TUNED: "3"}
    assert column(rows, "dashboard: hit") == {HERE: "–", TUNED: "50"}


def test_deployments_that_differ_in_another_setting_are_left_out(builder):
    runs = [builder.run(name) for name in (TUNED, "tuned-without-cache", "tuned-without-pool")]
    report = report_of(builder.experiment(*runs))
    assert list(table_cells(requests.caches(report), "Caches by set-up")) == [TUNED, "tuned without caches"]
    assert list(table_cells(requests.sessions(report), "Sessions by set-up")) == [TUNED]


def test_sessions_are_shown_with_their_evictions(builder):
    run = builder.run()
    run.record["counters"]["session_evictions"] = 4
    run.rows_of("search")[0]["ok"] = False
    rows = table_cells(requests.sessions(report_of(builder.experiment(run))), "Sessions by set-up")
    assert rows[HERE]["sessions"] == "filesystem"
    assert rows[HERE]["live sessions evicted"] == "4"
    assert rows[HERE]["reads with their session"] == "99.0%"
    assert rows[HERE]["login (ms)"] == "4.00"


def test_what_sessions_outside_of_the_database_save_has_a_verdict(builder):
    runs = [
        builder.run(deployment, "reads", block=block)
        for deployment in (BASELINE, "as-measured-with-database-sessions")
        for block in range(4)
    ]
    experiment = builder.experiment(*runs)
    report = Report(experiment, list(session_storage.findings(experiment)))
    rows = table_cells(requests.sessions(report), "What sessions outside of the database save")
    ((claim, cells),) = rows.items()
    assert "reduces database load vs storing sessions in DB" in claim
    assert cells["database time with / without"].startswith("1.00")
    assert "statements" in cells["all per request"]


def test_a_record_from_before_the_counters_shows_none(builder):
    run = builder.run()
    del run.record["counters"]
    rows = table_cells(requests.sessions(report_of(builder.experiment(run))), "Sessions by set-up")
    assert "live sessions evicted" not in rows[HERE]


def test_the_choice_of_workers_is_explained_from_single_requests(builder):
    arms = [builder.run(TUNED, scenario) for scenario in ("single", "sustained-100", "burst-50")]
    html = requests.workers(report_of(builder.experiment(*arms)))
    text = page_text(html)
    assert "A login on tuned takes 5.0 ms in the application, and 20% of that is its hash" in text
    assert "a read takes 2.1 ms" in text
    settings = arms[0].record["deployment"]["settings"]
    assert f"{settings['workers']} workers" in text
    assert f"{settings['threads']} threads" in text
    assert table_cells(html, "Workers by set-up")[TUNED]["hashes at once in each"] == "1"


def test_without_single_requests_the_choice_is_not_explained(builder):
    assert str(requests.workers(report_of(builder.experiment(builder.run(TUNED))))) == ""


@pytest.mark.parametrize(
    ("section", "says"), [(requests.caches, True), (requests.sessions, True), (requests.workers, False)]
)
def test_times_have_a_note_on_the_loop(builder, section, says):
    report = report_of(builder.experiment(builder.run(TUNED, "single"), builder.run(TUNED)))
    assert ("where the wait for the event loop was not measured apart" in page_text(section(report))) == says


@pytest.mark.parametrize(("loop_us", "is_shown"), [(0, True), (700, True), (None, False)])
def test_the_session_of_an_event_loop_has_a_time_where_the_wait_for_it_was_measured(builder, loop_us, is_shown):
    run = builder.run("tuned-with-gevent")
    run.rows = [row | {"loop_us": loop_us} for row in run.rows]
    rows = table_cells(requests.sessions(report_of(builder.experiment(run))), "Sessions by set-up")
    (cells,) = rows.values()
    assert (cells.get("read (ms)", "–") != "–") == is_shown

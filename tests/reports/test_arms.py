"""The tables with a deployment a row say what its runs say, and nothing of deployments that were not run."""

import pytest

from analysis.metrics import arm_metrics, cpu_metrics
from reports import sections
from reports.sections import BASE, OURS
from tests.builders import Builder
from tests.reports.test_sections import column, of, table, text


@pytest.fixture
def made(tmp_path) -> Builder:
    return Builder(tmp_path / "runs")


def test_caches_are_shown_by_deployment_and_endpoint(made):
    tuned = made.run(OURS)
    for row in tuned.of("search")[:3]:
        row["cache"] = "miss"
    rows = table(sections.caches(of(made.experiment(made.run(), tuned))), "Caches by deployment")
    assert list(rows) == [BASE, OURS]
    assert column(rows, "cache") == {BASE: "off", OURS: "process"}
    assert column(rows, "search: hit") == {BASE: "–", OURS: "47"}
    assert column(rows, "search: miss") == {BASE: "–", OURS: "3"}
    assert column(rows, "dashboard: hit") == {BASE: "–", OURS: "50"}


def test_deployments_that_differ_in_something_else_are_left_out(made):
    runs = [made.run(name) for name in (OURS, "tuned-without-cache", "tuned-without-pool")]
    report = of(made.experiment(*runs))
    assert list(table(sections.caches(report), "Caches by deployment")) == [OURS, "tuned-without-cache"]
    assert list(table(sections.sessions(report), "Sessions by deployment")) == [OURS]


def test_sessions_are_shown_with_what_was_evicted(made):
    run = made.run()
    run.record["counters"]["session_evictions"] = 4
    run.of("search")[0]["ok"] = False
    rows = table(sections.sessions(of(made.experiment(run))), "Sessions by deployment")
    assert rows[BASE]["sessions"] == "filesystem"
    assert rows[BASE]["living sessions evicted"] == "4"
    assert rows[BASE]["reads served to their session"] == "99.0%"
    assert rows[BASE]["login (ms)"] == "4.00"


def test_a_record_from_before_the_counters_shows_none(made):
    run = made.run()
    del run.record["counters"]
    rows = table(sections.sessions(of(made.experiment(run))), "Sessions by deployment")
    assert rows[BASE]["living sessions evicted"] == "–"


def test_the_choice_of_workers_is_told_from_single_requests(made):
    arms = [made.run(OURS, scenario) for scenario in ("single", "sustained-100", "burst-50")]
    html = sections.workers(of(made.experiment(*arms)))
    said = text(html)
    assert "A login on tuned takes 5.0 ms in the application, and 20% of that is its hash" in said
    assert "a read takes 2.1 ms" in said
    settings = arms[0].record["deployment"]["settings"]
    assert f"{settings['workers']} workers" in said
    assert f"{settings['threads']} threads" in said
    assert table(html, "Workers by deployment")[OURS]["hashes at once in each"] == "1"


def test_without_single_requests_the_choice_is_not_explained(made):
    assert "were not run" in text(sections.workers(of(made.experiment(made.run(OURS)))))


def test_the_advice_is_set_beside_what_was_measured(made):
    runs = [made.run(name) for name in (BASE, "as-advised", OURS)]
    html = sections.advice(of(made.experiment(*runs)))
    rows = table(html, "The advice for production, measured")
    assert list(rows) == [BASE, "as-advised", OURS]
    assert column(rows, "connections allowed")["as-advised"] == "720"
    assert "8 gevent workers" in text(html)


def test_both_ways_of_waiting_are_told_from_the_runs(made):
    runs = made.run("as-advised"), made.run("gevent-blocking", slower=2)
    said = text(sections.advice(of(made.experiment(*runs))))
    assert "it took 9.25 s with cooperative waiting and 18.50 s without" in said
    assert "the busiest worker answered 14%" in said


def test_without_the_advice_there_is_no_table_of_it(made):
    assert "was not run" in text(sections.advice(of(made.experiment(made.run(), made.run(OURS)))))


def test_what_is_taken_away_is_held_against_the_whole(made):
    experiment = made.experiment(made.run(OURS), made.run("tuned-without-cache", slower=0.15))
    rows = table(sections.taken_away(of(experiment)), "Tuned with one thing taken away")
    assert list(rows) == ["nothing", "cache"]
    assert rows["cache"]["50 users at once (s)"] == f"{3 * 0.4625:.2f}"
    whole_s = arm_metrics.duration_s(experiment, OURS, "burst-50")
    assert rows["nothing"]["50 users at once (s)"] == f"{whole_s:.2f}"


def test_every_deployment_that_ran_the_burst_has_its_latencies(made):
    slow = made.run(block=1, slower=4)
    runs = [made.run("tuned-without-cache"), made.run(OURS), made.run(), slow, made.run("as-advised").invalid()]
    experiment = made.experiment(*runs, made.run("as-claimed", "single"))
    rows = table(sections.bursts(of(experiment)), "Latency by deployment, 50 users at once")
    assert list(rows) == [BASE, OURS, "tuned-without-cache"]
    assert column(rows, "runs") == {BASE: "2", OURS: "1", "tuned-without-cache": "1"}
    assert rows[BASE]["duration (s)"] == "18.50"
    latency = arm_metrics.latency(experiment, BASE, "burst-50")
    for endpoint in arm_metrics.ENDPOINTS:
        assert rows[BASE][f"{endpoint}, mean (ms)"] == f"{latency['mean_ms'][endpoint]:,.0f}"
        assert rows[BASE][f"{endpoint}, p95 (ms)"] == f"{latency['p95_ms'][endpoint]:,.0f}"


def test_without_a_burst_there_is_no_latency_by_deployment(made):
    assert "No burst" in text(sections.bursts(of(made.experiment(made.run(OURS, "single")))))


def test_the_split_of_each_variant_adds_up_to_its_latency(made):
    names = ("tuned-without-cache", "tuned-with-cookie-sessions", OURS, BASE)
    experiment = made.experiment(*(made.run(name) for name in names), made.run("tuned-with-shared-cache").invalid())
    rows = table(sections.variants_split(of(experiment)), "Where the time went in tuned and its variants")
    deployments = [OURS, "tuned-with-cookie-sessions", "tuned-without-cache"]
    assert list(rows) == [f"{endpoint}, {name}" for endpoint in arm_metrics.ENDPOINTS for name in deployments]
    parts = [float(rows["dashboard, tuned"][part].replace(",", "")) for part in cpu_metrics.PARTS]
    latency_ms = arm_metrics.latency(experiment, OURS, "burst-50")["mean_ms"]["dashboard"]
    assert sum(parts) == pytest.approx(latency_ms, abs=1)
    assert rows["dashboard, tuned"]["latency"] == f"{latency_ms:.0f}"
    assert (rows["dashboard, tuned"]["db"], rows["dashboard, tuned"]["residual"]) == ("2.00", "0.00")


def test_a_part_that_nobody_measured_is_a_dash(made):
    run = made.run("tuned-without-cache")
    for row in run.rows:
        row["pool_us"] = None
    rows = table(sections.variants_split(of(made.experiment(run))), "Where the time went in tuned and its variants")
    assert set(column(rows, "pool").values()) == {"–"}
    assert set(column(rows, "latency").values()) == {"–"}


def test_without_a_variant_there_is_no_split_of_them(made):
    assert "No variant" in text(sections.variants_split(of(made.experiment(made.run(OURS)))))


@pytest.mark.parametrize(
    ("section", "says"), [(sections.caches, True), (sections.sessions, True), (sections.workers, False)]
)
def test_times_under_gevent_are_said_to_have_the_loop_in_them(made, section, says):
    report = of(made.experiment(made.run(OURS, "single"), made.run(OURS)))
    assert ("waits for the loop while others hash or wait" in text(section(report))) == says


def test_without_ours_nothing_is_taken_away(made):
    assert "did not run" in text(sections.taken_away(of(made.experiment(made.run("tuned-without-cache")))))

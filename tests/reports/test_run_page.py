"""The page of one run: what it says of valid, failed, invalid, damaged and hostile runs, and what it leaves out."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.single_run import run_description, run_page, run_tables, run_verdict
from reports.single_run.run_verdict import sentence
from tests.faulted_runs import faulted
from tests.reports.page_reader import MISSING_VALUE, page_text, table_cells, table_rows
from workbench.record_shape import mismatches
from workbench.recording import open_run

HOSTILE = '<script>window.ran=1</script><img src=x onerror="window.ran=1"> $x$ | `a` \x1b[31m\u202e\x00'


@pytest.fixture
def written(builder):
    """Write a run with changed files, and open it again."""

    def written(change=lambda files: None, deployment="tuned", scenario="burst-50"):
        files = builder.run(deployment, scenario)
        change(files)
        return files.write(builder.runs / "single-runs" / "20260101-000000-made")

    return written


def fail_first(number, error="refused"):
    def change(files):
        for row in files.rows[:number]:
            row |= {"ok": False, "error": error}

    return change


def as_target(files):
    files.record["deployment"] = {"name": "target", "settings": {"url": "http://me:***@127.0.0.1:80"}}
    files.record["locustfile"] = "mine.py"
    for row in files.rows:
        row |= {name: None for name in row if name in ("queue_us", "app_us", "worker", "db_calls")}


def as_by_hand(files):
    files.record["deployment"] = {"name": "target", "settings": {}}
    files.record["scenario"] = {"name": "by-hand", "kind": "by-hand", "description": "started manually", "users": 0}


def as_of_two_hosts(files):
    as_target(files)
    clock = {"offset_ns": 5_000_000, "uncertainty_ns": 40_000, "rounds": 9}
    there = {
        "name": HOSTILE,
        "address": "10.0.0.2",
        "processes": [1, 2],
        "status": "complete",
        "lost": "",
        "rows": 100,
        "clock": clock,
        "clock_at_end": clock,
        "last_send_us": 900,
        "clock_error_ms": 0.0417,
        "wall_difference_s": -3600.0,
    }
    lost = {
        "name": "far",
        "address": "10.0.0.3",
        "processes": [3],
        "status": "lost",
        "rows": 50,
        "clock": None,
        "clock_at_end": None,
        "clock_error_ms": None,
        "wall_difference_s": 0.2,
        "last_send_us": None,
        "lost": "it was silent for 10 s",
    }
    files.record["hosts"] = [there, lost]


def headings(page):
    return re.findall(r'<h2 id="[^"]*">(.*?)</h2>', page)


def first_text(run):
    """The text of the first screen, for tests that need no figures."""
    return page_text(run_verdict.first_screen(run))


def test_hosts_that_made_the_load_have_a_row_each(written):
    page = run_page.html(written(as_of_two_hosts))
    _, *rows = table_rows(page, "Hosts that made the load")
    assert rows[0][1:] == ["2", "100", "-3600.000", "0.042", "complete"]
    assert rows[1] == ["far (10.0.0.3)", "1", "50", "+0.200", "–", "it was silent for 10 s"]
    assert "<script>window" not in page


def test_a_load_of_one_host_has_no_table_of_hosts(written):
    assert "Hosts that made the load" not in run_page.html(written(as_target))


def test_a_run_under_a_fault_has_a_band_in_its_chart(builder):
    page = run_page.html(faulted(builder, "bags-locked").write(builder.runs / "single-runs" / "20260101-000000-made"))
    assert "lock on bags: 8.0 s to 13.0 s" in page
    assert "Red: the fault." in page


def test_a_valid_run_is_summed_up_in_one_sentence_above_every_section(written):
    page = run_page.html(written())
    text = page_text(page.partition("<main>")[2].partition("<h2")[0])
    assert "All 150 requests succeeded; 95 % of them were answered within" in text
    assert "valid" in text
    assert "One run: no interval." in text
    sections = ["Latency", "Failures", "Over time", "Where the time went", "What was run", "Validity"]
    assert headings(page) == [*sections, "What one run cannot say"]
    assert not MISSING_VALUE.search(page_text(page.partition("<main>")[2]))


def test_failures_are_in_the_sentence_and_by_kind_in_a_table(written):
    run = written(fail_first(30))
    assert sentence(run).startswith("30 of 150 requests failed; 95 % of the others were answered within")
    (head, *rows) = table_rows(run_tables.failures(run), "Failures by kind")
    assert head[:3] == ["endpoint", "kind of failure", "requests"]
    assert [row[:3] for row in rows] == [["login", "refused", "30"]]
    cells = table_cells(run_tables.latency(run), "Latency by endpoint")
    assert (cells["login"]["failures"], cells["all requests"]["failures"]) == ("30", "30")


def test_a_run_of_failures_alone_shows_no_latency(written):
    run = written(fail_first(150))
    assert sentence(run) == "All of its 150 requests failed."
    cells = table_cells(run_tables.latency(run), "Latency by endpoint")
    assert all({"p50 (ms)", "p95 (ms)", "max (ms)"}.isdisjoint(row) for row in cells.values())
    assert cells["all requests"]["requests"] == "150"


def test_an_invalid_run_says_so_first_with_every_reason(written):
    def change(files):
        files.invalid()
        files.record["reasons"].append("rows missing against the scenario: 7, allowed none")

    text = first_text(written(change))
    assert text.split("This run is ")[1].startswith("not valid: generator CPU, share of one core")
    assert "rows missing against the scenario: 7" in text
    assert "None of it is a result." in text


@pytest.mark.parametrize("state", ["aborted", "cut_off"])
def test_a_run_that_did_not_end_by_itself_has_a_page(written, state):
    run = written(lambda files: getattr(files, state)())
    text = first_text(run)
    reason = "stopped by Ctrl-C" if state == "aborted" else "it did not end by itself"
    assert f"This run was {state.replace('_', ' ')}: {reason}." in text


def test_a_target_is_named_without_its_password_and_has_no_server_timing(written):
    page = run_page.html(written(as_target))
    assert "http://me:***@127.0.0.1:80 under burst-50" in page
    assert "The application did not report where its time went" in page
    assert "user classes of mine.py" in page


def test_a_locust_that_was_started_manually_has_a_page(written):
    run = written(as_by_hand)
    assert run_description.title(run) == "A target under a Locust that was started manually"
    assert "The record does not name the target" in page_text(run_description.description(run))


def late(files):
    """Each request is sent 50 ms after it was due."""
    for row in files.rows:
        row |= {"scheduled_us": row["scheduled_us"] - 50_000, "response_us": row["response_us"] + 50_000}


def test_the_options_of_a_manual_locust_are_on_the_page_and_checked(written):
    options = {"host": "http://127.0.0.1:80", "users": 20, "spawn_rate": 2, "run_time_s": None}

    def change(files):
        as_by_hand(files)
        files.record["generator"]["locust"] = options

    run = written(change)
    assert run_description.title(run) == "http://127.0.0.1:80 under a Locust that was started manually"
    cells = table_cells(run_description.description(run), "System, load and machine")
    assert cells["users"]["value"] == "20, 2 more each second"
    record = run.record | {"generator": {"locust": {"users": "many"}}}
    assert list(mismatches(record, "run")) == ['generator.locust.users is "many"']


def test_an_open_run_is_judged_by_response_time(written):
    run = written(late, scenario="open-20")
    assert sentence(run).startswith("All 30 requests succeeded; ")
    assert sentence(run).endswith(" ms of their intended send.")
    cells = table_cells(run_tables.latency(run), "Latency by endpoint")["all requests"]
    assert float(cells["response p95 (ms)"]) == pytest.approx(float(cells["p95 (ms)"]) + 50, abs=0.6)


def test_a_run_that_dropped_arrivals_says_so_first_and_shows_more_than_the_largest(written):
    def drop(files):
        late(files)
        files.record["generator"]["dropped"] = {"warmup": 0, "measure": 7}

    run = written(drop, scenario="open-20")
    assert sentence(run) == (
        "7 arrivals were due and never sent. All 30 requests succeeded; p95 is more than the largest observed, as so "
        "many arrivals were dropped."
    )
    cells = table_cells(run_tables.latency(run), "Latency by endpoint")
    assert (cells["login"]["p95 (ms)"], cells["login"]["response p95 (ms)"]) == ("> 5.00", "> 55.0")
    assert (cells["login"]["p50 (ms)"], cells["login"]["max (ms)"]) == ("5.00", "5.00")
    assert cells["all requests"]["p99 (ms)"] == "> 5.00"
    assert "> 55 ms" in first_text(run)
    page = run_page.html(run)
    assert "inf" not in [cell for row in cells.values() for cell in row.values()]
    assert "Latency percentiles" in page


def test_the_outcome_of_a_start_is_the_sentence(builder):
    run = builder.run("as-advised-at-default", "start").write(builder.runs / "single-runs" / "start")
    assert "It did not start: over the connection budget" in first_text(run)
    assert "Latency" not in headings(run_page.html(run))


@pytest.mark.parametrize("damage", ["requests.parquet", "process.parquet"])
def test_a_damaged_file_costs_what_it_holds_and_no_traceback(written, damage):
    run = written()
    (run.directory / damage).write_bytes(b"PAR1 and no more")
    assert f"{damage} is empty, cut short, damaged or no Parquet" in run_page.html(open_run(run.directory))


def test_a_run_without_requests_has_a_page(written):
    run = written(lambda files: files.rows.clear())
    assert "has no rows" in run_page.html(run)


def test_a_run_that_measured_nothing_shows_its_phases(written):
    def warm_up_only(files):
        for row in files.rows:
            row["phase"] = "warmup"

    page = run_page.html(written(warm_up_only))
    assert "This run measured no request." in page
    assert "Requests by phase" in page


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value) for name, value in attrs if name.startswith("on") or name in ("src", "style")]


def test_hostile_names_and_errors_are_text_and_secrets_are_redacted(written):
    def plant(files):
        files.record["scenario"]["description"] = HOSTILE
        files.record["deployment"] = {"name": "target", "settings": {"url": HOSTILE}}
        files.record["reasons"] = [HOSTILE]
        for row in files.rows[:75]:
            row |= {"endpoint": HOSTILE, "error": HOSTILE, "ok": False}
        for row in files.rows[75:100]:
            row |= {"endpoint": "GET /a?user=me&password=hunter2", "error": "token=hunter2", "ok": False}

    page = run_page.html(written(plant))
    parsed = Tags(page)
    assert not {"script", "img"} & set(parsed.tags)
    assert parsed.attributes == []
    assert "window.ran" in page
    assert "hunter2" not in page
    assert "GET /a?user=me&amp;password=***" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def test_many_endpoints_and_kinds_make_no_endless_page(written):
    def plant(files):
        for number, row in enumerate(files.rows):
            error = None if number % 2 else f"kind {number} {'x' * 150}"
            row |= {"endpoint": f"GET /bag/{number}", "error": error, "ok": error is None}

    page = run_page.html(written(plant))
    assert "The next 120 endpoints" in page_text(page)
    assert "all requests" in page
    assert len(page) < 400_000


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("/data/runs/single-runs/20260101-target", "20260101-target.html"),
        ("/data/runs/quick/1-01-tuned", "quick-1-01-tuned.html"),
        ("/data/runs/single-runs/index", "run-index.html"),
        ("/data/runs/single-runs/a b,c/", "a-b-c.html"),
        ("/data/runs/single-runs/läufe", "läufe.html"),
        ("/data/runs/single-runs/'; rm -rf *", "rm--rf.html"),
    ],
)
def test_the_name_of_a_page_is_a_file_name(directory, name):
    assert run_page.page_name(Path(directory)) == name

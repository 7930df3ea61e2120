"""The page of a bench against peers: what it says, its sources, earlier benches, and texts that others wrote."""

from dataclasses import replace

import pytest

from reports import index_page
from reports.page_parts import Kind, parts_of
from reports.peers import peer_results, peers_page
from reports.peers.peer_results import CapacityRun, Peer
from reports.peers.peer_wording import verdict_sentence
from tests.peer_benches import ROUNDS, bench
from tests.reports.page_reader import page_text, table_cells

SATURATION, STALL = "Generators at saturation", "Error of reported percentiles, 400 requests/s, a stall"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of pages beside an empty folder of data."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    return tmp_path / "html"


def test_the_first_sentences_say_what_recording_costs_and_who_misses_a_stall():
    assert verdict_sentence(bench()) == (
        "With recording Locust sends 95% (95–95) of the requests that it sends without in the same CPU time. "
        "When the server stalls for 1 s, its p95 is reported +0.1% (+0.1 to +0.1) by the workbench, "
        "and −95.0% (−95.0 to −95.0) by wrk."
    )


def test_an_incomplete_bench_says_so():
    assert verdict_sentence(bench(status="running")).startswith("The bench is not complete. With recording")


def test_a_server_without_reserve_makes_a_rate_a_lower_bound():
    cells = table_cells(peers_page.html(bench()), SATURATION)
    assert cells["wrk"]["requests/s on a core"].startswith("at least 110,000")
    assert cells["Locust FastHttpUser"]["requests/s on a core"].startswith("10,000")
    assert cells["wrk"]["of FastHttpUser"].startswith("11 times")


def test_a_percentile_that_is_not_reported_is_named_as_such():
    cells = table_cells(peers_page.html(bench()), STALL)
    assert cells["wrk (closed load)"]["p99.9"] == "not reported"
    assert cells["Locust FastHttpUser (rate of each user)"]["p99"].startswith("+11.1%")


def test_fewer_than_four_rounds_give_no_interval():
    few = bench(capacity=tuple(run for run in bench().capacity if run.round < 2))
    assert "sends 95% of the requests" in verdict_sentence(few)


def test_a_failed_run_is_named_and_enters_no_value():
    failed = [
        CapacityRun(generator=name, round=ROUNDS, problem="it ended too early: <b>") for name in ("wrk", "workbench")
    ]
    html = peers_page.html(bench(capacity=(*bench().capacity, *failed)))
    assert "workbench, loadgen run: it ended too early: &lt;b&gt;" in html
    assert "wrk: it ended too early: &lt;b&gt;" in html
    assert table_cells(html, SATURATION)["wrk"]["requests/s on a core"].startswith("at least 110,000")


def test_what_was_not_installed_stands_with_its_command():
    assert table_cells(peers_page.html(bench()), "What was compared")["hey"]["not installed"] == "apt-get install hey"


def test_every_number_names_a_source():
    parts = parts_of(peers_page.html(bench(), [bench(), bench("20251231-080000")])).parts
    assert [part.text for part in parts if part.kind is Kind.NUMBER and not part.place] == []


def test_text_of_a_record_is_escaped():
    hostile = "<script>alert(1)</script>\x1b[31m"
    results = bench(
        server=hostile,
        generators=tuple(replace(peer, label=f"{hostile}{peer.label}", version=hostile) for peer in bench().generators),
        makers=(Peer(name="workbench", label=hostile), Peer(name="pandas", label="pandas", missing=hostile)),
    )
    html = peers_page.html(results, [results])
    assert "<script>alert" not in html
    assert "\x1b" not in html


def test_the_newest_bench_has_the_plain_name_and_links_to_the_older(folder):
    for name in ("20260101-120000", "20260102-120000"):
        peer_results.write(bench(name))
        peers_page.write(peer_results.read(name), folder)
    newest = (folder / "peers.html").read_text()
    assert newest == (folder / "peers-20260102-120000.html").read_text()
    assert 'href="peers-20260101-120000.html"' in newest
    assert peers_page.write(peer_results.read("20260101-120000"), folder).name == "peers-20260101-120000.html"
    assert (folder / "peers.html").read_text() == newest


def test_the_index_lists_benches_and_names_files_that_are_none(folder):
    peer_results.write(bench())
    peers_page.write(peer_results.read("20260101-120000"), folder)
    damaged = peer_results.folder_of("20260103-120000")
    damaged.mkdir(parents=True)
    (damaged / "peers.json").write_text("{")
    html = index_page.write(folder).read_text()
    assert 'href="peers-20260101-120000.html"' in html
    assert "Other pages" not in html
    assert "peers.json is not readable JSON" in page_text(html)


def test_results_that_were_changed_are_marked_on_the_page(folder):
    path = peer_results.write(bench())
    path.write_text(path.read_text().replace('"requests": 60000', '"requests": 90000', 1))
    page = peers_page.write(peer_results.read("20260101-120000"), folder)
    assert "Changed after it was measured: peers.json was changed." in page_text(page.read_text())

"""The timeline: its points, the answer to a box, and the request that a click opens."""

import pytest
from plotly.callbacks import BoxSelector, Points

from analysis.selection_contrast import ATTRIBUTES, MAX_VALUES
from lab import point_sample, timeline_view
from lab.lab_run import LabRun
from lab.timeline_view import TimelineView
from tests.lab.shown_parts import fallback
from workbench.errors import RecordingError, UserError


@pytest.fixture(scope="module")
def run(exp):
    return exp.run("as-measured", "burst-50")


def test_every_request_of_a_small_run_is_a_point(run):
    view = run.timeline()
    assert len(view.table) == view.requests == 150
    assert sum(len(trace.x) for trace in view.figure.data) == 150
    assert {trace.name for trace in view.figure.data} == {"login", "dashboard", "search"}
    assert fallback(view)


def test_of_a_large_run_the_slowest_are_points_and_the_others_a_sample(run, monkeypatch):
    monkeypatch.setattr(point_sample, "MAX_POINTS", 40)
    monkeypatch.setattr(point_sample, "MAX_SLOWEST", 10)
    view = run.timeline()
    slowest = run.requests.frame["latency_ms"].nlargest(10)
    assert set(slowest) <= set(view.table["latency_ms"])
    assert 30 <= len(view.table) <= 40
    assert "the slowest and a sample, " in view.sentences[0]
    assert view.table.equals(run.timeline().table)


def test_a_box_is_answered_by_what_its_requests_have_more_of(run):
    latencies = run.requests.frame.set_index("endpoint")["latency_ms"]
    answer = run.timeline().brush(min_latency_ms=latencies["search"].max() * 1.1)  # blocks differ by 2 %
    row = answer.table.set_index(["attribute", "value"]).loc[("endpoint", "search")]
    assert row["selected"] == 0
    assert row["high"] < 0
    assert row["p_holm"] < 0.05
    assert len(answer.table[answer.table["attribute"].isin(ATTRIBUTES)]) <= MAX_VALUES * len(ATTRIBUTES)
    blocks = answer.table[answer.table["attribute"] == "block"]
    assert list(blocks["value"].sort_values()) == ["1", "2", "3", "4"]
    assert blocks["low"].isna().all()


def test_intervals_come_from_the_blocks_of_the_arm(run):
    alone = TimelineView(run.recorded, [run.recorded]).brush(min_latency_ms=1_000)
    assert alone.table["low"].isna().all()
    assert "No interval: 1 block has" in alone.sentences[1]


def test_nothing_and_everything_selected_are_no_comparison(run):
    for bounds in ({"min_latency_ms": 1e9}, {}):
        answer = run.timeline().brush(**bounds)
        assert answer.table.empty
        assert "nothing to compare" in answer.sentences[0]


@pytest.mark.parametrize("colour", ["endpoint", "worker", "connection", "cache", "outcome"])
def test_every_colour_draws_every_point(run, colour):
    assert sum(len(trace.x) for trace in run.timeline(colour).figure.data) == 150


def test_another_colour_leaves_the_answer_and_the_points(run):
    view = run.timeline()
    points, answer = view.table, view.brush(min_latency_ms=1_000)
    traces = {trace.name for trace in view.figure.data}
    view._menu.value = "cache"  # as a click on the menu does
    assert {trace.name for trace in view.figure.data} == {"none"} != traces
    assert sum(len(trace.x) for trace in view.figure.data) == 150
    assert view.answer is answer
    assert view._below.children[0] is not None
    assert view.table is points
    view.recolour("endpoint")
    assert {trace.name for trace in view.figure.data} == traces
    assert view.colour == "endpoint"
    with pytest.raises(UserError, match="not by 'user'"):
        view.recolour("user")


def test_a_new_colour_answers_to_a_box_and_to_a_click(run):
    view = run.timeline()
    view.recolour("worker")
    (trace,) = view.figure.data
    view._selected(trace, None, BoxSelector(xrange=(-1.0, 100.0), yrange=(1e3, 1e6)))
    assert "Requests of 1.00 s to" in view.answer.sentences[0]
    view._clicked(trace, Points(point_inds=[0]), None)
    assert "It waited" in view._below.children[0].children[0].children[1].value


def test_values_beyond_the_commonest_share_a_colour(run, monkeypatch):
    monkeypatch.setattr(timeline_view, "MAX_COLOURS", 2)
    assert {trace.name for trace in run.timeline().figure.data} > {"other"}
    assert len(run.timeline().figure.data) == 3


def test_a_colour_that_was_not_recorded_is_named(builder):
    files = builder.run("tuned")
    for row in files.rows:
        row["connection"] = None
    older = LabRun(builder.experiment(files).runs[0])
    assert "No request reported its connection." in older.timeline("connection").sentences
    assert len(older.timeline().sentences) == 2


def test_an_unknown_colour_is_refused(run):
    with pytest.raises(UserError, match="coloured by endpoint, worker, connection, cache, outcome, not by 'user'"):
        run.timeline("user")


def test_the_requests_ahead_are_those_that_its_worker_served_meanwhile(run):
    """One worker serves in order of arrival: each request ahead was served, and the last one until its own turn."""
    slowest = run.requests.slowest("login", 1).table.iloc[0]
    opened = run.microscope(slowest["user"], slowest["sequence"])
    assert opened.ahead["served_from_ms"].is_monotonic_increasing
    assert opened.ahead["held_ms"].sum() == pytest.approx(slowest["queue_ms"], rel=0.05)
    assert "one of them" not in " ".join(opened.sentences)
    assert fallback(opened)


def test_where_threads_share_a_worker_the_holder_is_one_of_several(exp):
    run = exp.run("tuned", "burst-50")
    slowest = run.requests.slowest("login", 1).table.iloc[0]
    assert "is one of them" in " ".join(run.microscope(slowest["user"], slowest["sequence"]).sentences)


def test_a_request_that_was_not_sent_is_one_line(run):
    with pytest.raises(RecordingError, match="has no request 99 of user 0"):
        run.microscope(0, 99)

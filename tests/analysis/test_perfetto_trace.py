"""A run as a Perfetto trace: what is drawn where, by a reader of the format of its own."""

from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from analysis.exports import row_windows
from analysis.exports.perfetto_trace import PARTS_NAME, write_perfetto
from tests.analysis.perfetto_reader import TraceFile

CONNECTIONS = "connections, each with the requests that used it"


@pytest.fixture
def traced(tmp_path):
    """The trace of a run."""

    def trace(run):
        with (tmp_path / "trace").open("wb") as file:
            write_perfetto(run, file)
        return TraceFile(tmp_path / "trace")

    return trace


def us(row, name):
    return round(1000 * row[name])


def test_each_request_is_a_slice_of_its_user_from_its_send_to_its_response(builder, traced):
    run = builder.experiment(builder.run("tuned", "burst-25")).runs[0]
    slices = {
        (each.track[1], each.arguments["sequence"]): (each.name, each.begin_us, each.end_us)
        for each in traced(run).on("users")
    }
    assert len(slices) == len(run.requests) == 75
    for _, row in run.requests.iterrows():
        begin_us = us(row, "start_ms")
        expected = (row["endpoint"], begin_us, begin_us + us(row, "latency_ms"))
        assert slices[f"user {row['user']}", row["sequence"]] == expected


def test_the_time_in_the_application_is_on_the_track_of_its_worker_and_of_its_connection(builder, traced):
    run = builder.experiment(builder.run("tuned", "burst-25")).runs[0]
    trace = traced(run)
    expected = Counter()
    for _, row in run.requests.iterrows():
        begin_us = us(row, "start_ms") + us(row, "queue_ms")
        expected[f"worker {row['worker']}", row["endpoint"], begin_us, begin_us + us(row, "app_ms")] += 1
    for root, name in (("workers", "requests"), (CONNECTIONS, "connection 1")):
        drawn = Counter(
            (each.track[1].removeprefix("pool of "), each.name, each.begin_us, each.end_us)
            for each in trace.on(root)
            if each.track[2].startswith(name)
        )
        assert drawn == expected


def test_the_parts_of_a_request_follow_each_other_within_its_time(builder, traced):
    run = builder.experiment(builder.run("as-measured", "burst-25")).runs[0]
    trace = traced(run)
    requests = [each for each in trace.on("workers") if each.track[2] == "requests"]
    parts = [each for each in trace.on("workers") if each.track[2] == PARTS_NAME]
    for request, (_, row) in zip(requests, run.requests.sort_values("start_ms").iterrows(), strict=False):
        inside = [each for each in parts if request.begin_us <= each.begin_us and each.end_us <= request.end_us]
        assert [each.name for each in inside] == ["pool", "db", "hash", "session"]
        assert inside[0].begin_us == request.begin_us
        assert all(first.end_us == second.begin_us for first, second in pairwise(inside))
        assert row["ok"]
    spent_us = sum(each.end_us - each.begin_us for each in parts if each.name == "db")
    assert spent_us == pytest.approx(1000 * run.requests["db_ms"].sum())


@pytest.mark.parametrize("max_rows", [row_windows.MAX_ROWS, 7])
def test_no_two_slices_of_a_track_overlap_where_requests_do(builder, traced, monkeypatch, max_rows):
    monkeypatch.setattr(row_windows, "MAX_ROWS", max_rows)
    made = builder.run("tuned", "burst-25")
    for number, row in enumerate(made.rows):  # all at once in two workers, on three connections, longer and longer
        row |= {"latency_us": 400_000 + 1000 * number, "queue_us": 50_000 - 500 * number, "connection": 1 + number % 3}
        row |= {"app_us": 300_000, "response_us": 400_000 + 1000 * number}
    run = builder.experiment(made).runs[0]
    trace = traced(run)
    assert all(each.depth == 0 for each in trace.slices)
    assert len(trace.on("users")) == len(made.rows)
    assert sum(each.track[2].startswith("requests") for each in trace.on("workers")) == len(made.rows)
    by_track = defaultdict(list)
    for each in trace.slices:
        by_track[each.track].append(each)
    for slices in by_track.values():
        assert all(first.end_us <= second.begin_us for first, second in pairwise(slices))


def test_an_arrow_leads_from_each_request_to_its_time_in_the_worker(builder, traced):
    trace = traced(builder.experiment(builder.run("tuned", "burst-25")).runs[0])
    ends = Counter(flow for each in trace.slices for flow in each.flows)
    assert set(ends.values()) == {2}
    assert len(ends) == 75


def test_readings_are_counters_with_units(builder, traced):
    run = builder.experiment(builder.run("tuned", "burst-25")).runs[0]
    trace = traced(run)
    checked_out = trace.counters["readings", "pool of worker 0: checked_out"]
    of_worker = run.pool[run.pool["worker"] == 0].sort_values("at_us")
    assert checked_out == list(zip(of_worker["at_us"], of_worker["checked_out"], strict=True))
    assert [value for _, value in trace.counters["readings", "server: CPU"]] == pytest.approx([0.9] * 4, rel=1e-3)
    assert trace.units["readings", "server: CPU"] == "cores"
    assert trace.units["readings", "server: memory (PSS)"] == "MiB"


def test_faults_and_phases_are_bands(builder, traced):
    made = builder.run("tuned", "single")
    made.record["faults"] = [
        {"name": "black-hole", "begin_us": 2_100_000, "end_us": 2_150_000, "reason": ""},
        {"name": "worker-killed", "begin_us": 2_120_000, "end_us": 2_120_000, "reason": ""},
        {"name": "store-away", "begin_us": None, "end_us": None, "reason": "it has no store"},
    ]
    trace = traced(builder.experiment(made).runs[0])
    (root,) = {each.track[0] for each in trace.slices if each.track[0].startswith("run ")}
    faults = [each for each in trace.on(root) if each.track[1].startswith("faults")]
    assert [(each.name, each.begin_us, each.end_us) for each in faults] == [
        ("black hole, warm pool", 2_100_000, 2_150_000),
        ("worker killed", 2_120_000, 2_120_000),
    ]
    phases = [each for each in trace.on(root) if each.track[1].startswith("phases")]
    assert [each.name for each in phases] == ["warmup", "measure"]
    assert phases[0].end_us == phases[1].begin_us


def test_a_request_without_times_of_the_application_is_on_the_track_of_its_user_only(builder, traced):
    made = builder.run("tuned", "burst-25")
    for row in made.rows:
        row |= {
            name: None
            for name in row
            if name.endswith("_us") and name not in ("start_us", "latency_us", "response_us", "scheduled_us")
        }
    trace = traced(builder.experiment(made).runs[0])
    assert len(trace.on("users")) == 75
    assert trace.on("workers") == trace.on(CONNECTIONS) == []


def test_a_run_that_was_cut_off_is_drawn_up_to_its_end(builder, traced):
    run = builder.experiment(builder.run("tuned", "burst-25").cut_off()).runs[0]
    assert len(traced(run).on("users")) == 75


def test_names_of_others_are_shown_without_controls(builder, traced):
    made = builder.run("tuned", "burst-25")
    for row in made.rows:
        row["endpoint"] += "\x1b]0;x\x07"
    trace = traced(builder.experiment(made).runs[0])
    assert {each.name for each in trace.on("users")} == {"login", "dashboard", "search"}

"""What selected requests have more of: known shares, known intervals, and levels that hold without a difference."""

import numpy as np
import pandas as pd
import pytest

from analysis import request_waits, selection_contrast
from analysis.request_waits import readings_by_place
from analysis.selection_contrast import BLOCK, NOT_READ, WAIT_EVENT, Box, contrast, sentences
from tests.builders import RunFiles
from tests.synthetic_runs import LOAD_START_US
from workbench.recording import Experiment


def rows_of(builder, change=lambda row, block: None, blocks=5, seed=0) -> Experiment:
    """Runs in which a fifth of the requests is slow, drawn for each run; `change` marks a row."""
    random, runs = np.random.default_rng(seed), []
    for block in range(blocks):
        run = builder.run("tuned", "burst-50", block=block)
        for row in run.rows:
            row["latency_us"] = 900_000 if random.random() < 0.2 else 10_000
            change(row, block)
        runs.append(run)
    return builder.experiment(*runs, name=f"drawn-{seed}")


def test_an_attribute_of_the_slow_requests_stands_out(builder):
    """Worker 7 serves the slow requests of every block, and no other."""

    def on_worker(row, block):
        row["worker"] = 7 if row["latency_us"] > 500_000 else 1

    table = contrast(rows_of(builder, on_worker).rows, Box(min_latency_ms=500)).set_index(["attribute", "value"])
    row = table.loc[("worker", "7")]
    assert (row["selected"], row["others"], row["difference"]) == (1.0, 0.0, 1.0)
    assert not any("Block" in text for text in sentences(table.reset_index()))
    assert row["p_holm"] <= 2.0 ** -(5 - 1) * len(table)
    assert table.index[0][0] == "worker"


def test_worker_and_connection_together_name_a_connection(builder):
    def on_connection(row, block):
        row["worker"], row["connection"] = (1, 7) if row["latency_us"] > 500_000 else (0, 7)
        if row["user"] == 0:
            row["connection"] = None

    table = contrast(rows_of(builder, on_connection).rows, Box(min_latency_ms=500)).set_index(["attribute", "value"])
    connections = table.loc["connection"]
    assert set(connections.index) == {"7 of worker 0", "7 of worker 1", "none"}
    assert connections.loc["7 of worker 0", "selected"] == 0
    assert connections.loc["7 of worker 1", "others"] == 0


def test_an_attribute_of_one_block_alone_has_an_interval_over_zero(builder):
    def in_the_first_block(row, block):
        row["worker"] = 7 if block == 0 and row["latency_us"] > 500_000 else 1

    row = contrast(rows_of(builder, in_the_first_block).rows, Box(min_latency_ms=500)).set_index(["attribute", "value"])
    assert row.loc[("worker", "7"), "low"] < 0 < row.loc[("worker", "7"), "high"]


@pytest.mark.simulated
def test_without_a_difference_the_correction_holds_its_level(monkeypatch):
    """In 400 drawn experiments of 5 blocks any attribute stands out in at most 5 %; two standard errors are allowed."""
    random = np.random.default_rng(1)
    counts = pd.DataFrame({"attribute": "worker", "block": np.repeat(range(5), 4), "value": ["a", "b", "c", "d"] * 5})
    false = 0
    for _ in range(400):
        drawn = counts.assign(chosen=random.poisson(20, 20), rest=random.poisson(80, 20))
        monkeypatch.setattr(selection_contrast, "_counts", lambda *arguments, drawn=drawn: drawn)
        false += (contrast(None, Box())["p_holm"] < 0.05).any()
    assert false <= 400 * 0.05 + 2 * (400 * 0.05 * 0.95) ** 0.5


def test_failures_and_open_bounds_are_selected_by_latency_alone(builder):
    experiment = rows_of(builder, lambda row, block: row.update(ok=False, error="500") if row["user"] == 0 else None)
    table = contrast(experiment.rows, Box(min_latency_ms=500, from_ms=0)).set_index(["attribute", "value"])
    assert ("outcome", "500") in table.index


def with_waits(run, waits):
    """Readings of the active sessions in place of those of the run: (ms since the load began, event, sessions)."""
    run.database = [
        {"at_us": LOAD_START_US + 1000 * at_ms, "source": "activity", "name": state, "metric": event, "value": number}
        for at_ms, state, event, number in waits
    ]
    return run


def test_the_wait_event_is_the_commonest_at_the_last_reading_within_the_request(builder):
    """One request each: before, at and after readings at 100 ms (a lock, and CPU less often) and 150 ms (the disk)."""
    run = builder.run("tuned", "single")
    run.rows = run.rows[:6]
    spans = [(0, 99), (0, 100), (100, 40), (120, 20), (120, 30), (160, 5000)]
    for row, (start_ms, latency_ms) in zip(run.rows, spans, strict=True):
        row |= {"start_us": LOAD_START_US + 1000 * start_ms, "latency_us": 1000 * latency_ms, "phase": "measure"}
    waits = [(100, "active", "none", 1.0), (100, "active", "Lock:tuple", 2.0), (150, "active", "IO:DataFileRead", 1.0)]
    experiment = builder.experiment(with_waits(run, [*waits, (1100, "idle", "Client:ClientRead", 3.0)]))
    readings = readings_by_place(experiment.runs)
    events = experiment.rows.query(
        f"SELECT {request_waits.EVENT} AS event FROM measured AS requests {request_waits.JOIN} ORDER BY start_ms, "
        "latency_ms",
        tables={"readings": readings},
    )["event"]
    known = ["-" if pd.isna(event) else event for event in events]
    assert known == ["-", "Lock:tuple", "Lock:tuple", "-", "IO:DataFileRead", "no active session"]


def test_a_wait_event_stands_out_among_the_requests_with_a_reading(builder):
    """A lock is read in the first second, in which the slow requests go on, and the CPU while the others do."""

    def in_its_second(row, block):
        start_ms = row["user"] if row["latency_us"] > 500_000 else 2000 + row["user"]
        row["start_us"] = LOAD_START_US + 1000 * start_ms

    experiment = rows_of(builder, in_its_second, blocks=4)
    instants = [(at_ms, "active", "Lock:tuple" if at_ms < 1000 else "none", 1.0) for at_ms in range(0, 3000, 30)]
    for run in experiment.runs:
        vars(run)["database"] = pd.DataFrame(with_waits(RunFiles({}, [], None, None, None), instants).database)
    table = contrast(experiment.rows, Box(min_latency_ms=500), readings_by_place(experiment.runs))
    rows = table.set_index(["attribute", "value"])
    assert rows.loc[(WAIT_EVENT, "Lock:tuple"), ["selected", "others", "low"]].to_list() == [1.0, 0.0, 1.0]
    assert rows.loc[(WAIT_EVENT, "CPU or nothing"), ["selected", "others"]].to_list() == [0.0, 1.0]
    absent = rows.loc[(WAIT_EVENT, NOT_READ)]
    assert absent["selected"] == 0
    assert 0.5 < absent["others"] < 0.9  # two of three requests of 10 ms, with 30 ms between the readings
    assert np.isnan(absent["low"])
    without = contrast(experiment.rows, Box(min_latency_ms=500), readings_by_place([]))
    assert WAIT_EVENT not in set(without["attribute"])


def test_a_named_wait_event_says_how_many_requests_it_is_of():
    names = ["attribute", "value", "selected", "others", "difference", "low", "high", "p_holm", "blocks"]
    rows = [
        (WAIT_EVENT, "Lock:tuple", 0.9, 0.1, 0.8, 0.7, 0.9, 0.001, 5),
        (WAIT_EVENT, NOT_READ, 0.02, 0.7, -0.68, np.nan, np.nan, np.nan, 5),
    ]
    text = sentences(pd.DataFrame(rows, columns=names))
    assert text[0].startswith("wait event Lock:tuple: 90% of the selected requests, 10% of the others")
    assert "fell: 98% of the selected ones, 30% of the others." in text[1]
    assert len(sentences(pd.DataFrame(rows[1:], columns=names))) == 1


def test_a_block_with_most_of_the_selected_requests_is_named_without_an_interval(builder):
    """Nine of ten slow requests are in block 2, and those of the other blocks are spread."""

    def in_the_second_block(row, block):
        row["latency_us"] = 900_000 if row["user"] < (40 if block == 1 else 2) else 10_000

    table = contrast(rows_of(builder, in_the_second_block, blocks=3).rows, Box(min_latency_ms=500))
    blocks = table[table["attribute"] == BLOCK].set_index("value")
    assert blocks["selected"].sum() == pytest.approx(1)
    assert blocks["others"].sum() == pytest.approx(1)
    assert blocks.loc["2", "selected"] == pytest.approx(120 / (120 + 2 * 6))
    assert blocks[["low", "high", "p_holm"]].isna().all(axis=None)
    assert "Block 2 has 91% of the selected requests" in sentences(table)[-1]


@pytest.mark.parametrize(
    ("selected", "others", "is_named"), [(0.5, 0.25, True), (0.6, 0.35, False), (0.4, 0.16, False)]
)
def test_a_block_is_named_from_twice_the_share_and_25_points_more(selected, others, is_named):
    names = ["attribute", "value", "selected", "others", "difference", "low", "high", "p_holm", "blocks"]
    row = (BLOCK, "3", selected, others, selected - others, np.nan, np.nan, np.nan, 5)
    text = " ".join(sentences(pd.DataFrame([row], columns=names)))
    assert ("Block 3 has" in text) == is_named


def test_all_requests_of_one_block_and_none_of_another_are_a_selection(builder):
    experiment = rows_of(builder, lambda row, block: row.update(latency_us=1000 * (1 + 1000 * block)), blocks=2)
    table = contrast(experiment.rows, Box(min_latency_ms=500))
    assert list(table["attribute"].unique()) == [BLOCK]
    assert "No interval: 0 blocks have" in sentences(table)[0]


def test_rare_values_stay_in_the_totals(builder):
    """Twenty endpoints: the shares are of all requests, not of those to the endpoints that are listed."""
    experiment = rows_of(builder, lambda row, block: row.update(endpoint=f"page {row['user'] % 20:02}"), blocks=1)
    table = contrast(experiment.rows, Box(min_latency_ms=500))
    endpoints = table[table["attribute"] == "endpoint"]
    assert len(endpoints) == selection_contrast.MAX_VALUES
    assert endpoints["others"].sum() < 0.8

"""What selected requests have more of: known shares, known intervals, and levels that hold without a difference."""

import numpy as np
import pandas as pd
import pytest

from analysis import selection_contrast
from analysis.selection_contrast import Box, contrast
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

    table = contrast(rows_of(builder, on_worker).rows, Box(fastest_ms=500)).set_index(["attribute", "value"])
    row = table.loc[("worker", "7")]
    assert (row["selected"], row["others"], row["difference"]) == (1.0, 0.0, 1.0)
    assert row["p_holm"] <= 2.0 ** -(5 - 1) * len(table)
    assert table.index[0][0] == "worker"


def test_worker_and_connection_together_name_a_connection(builder):
    def on_connection(row, block):
        row["worker"], row["connection"] = (1, 7) if row["latency_us"] > 500_000 else (0, 7)
        if row["user"] == 0:
            row["connection"] = None

    table = contrast(rows_of(builder, on_connection).rows, Box(fastest_ms=500)).set_index(["attribute", "value"])
    connections = table.loc["connection"]
    assert set(connections.index) == {"7 of worker 0", "7 of worker 1", "none"}
    assert connections.loc["7 of worker 0", "selected"] == 0
    assert connections.loc["7 of worker 1", "others"] == 0


def test_an_attribute_of_one_block_alone_has_an_interval_over_zero(builder):
    def in_the_first_block(row, block):
        row["worker"] = 7 if block == 0 and row["latency_us"] > 500_000 else 1

    row = contrast(rows_of(builder, in_the_first_block).rows, Box(fastest_ms=500)).set_index(["attribute", "value"])
    assert row.loc[("worker", "7"), "low"] < 0 < row.loc[("worker", "7"), "high"]


@pytest.mark.simulated
def test_without_a_difference_the_correction_holds_its_level(monkeypatch):
    """In 400 drawn experiments of 5 blocks any attribute stands out in at most 5 %; two standard errors are allowed."""
    random = np.random.default_rng(1)
    counts = pd.DataFrame({"block": np.repeat(range(5), 4), "value": ["a", "b", "c", "d"] * 5})
    false = 0
    for _ in range(400):
        drawn = counts.assign(chosen=random.poisson(20, 20), rest=random.poisson(80, 20))
        monkeypatch.setattr(
            selection_contrast, "_counts", lambda rows, name, value, box, drawn=drawn: drawn.assign(attribute=name)
        )
        monkeypatch.setattr(selection_contrast, "ATTRIBUTES", {"worker": ""})
        false += (contrast(None, Box())["p_holm"] < 0.05).any()
    assert false <= 400 * 0.05 + 2 * (400 * 0.05 * 0.95) ** 0.5


def test_failures_and_open_bounds_are_selected_by_latency_alone(builder):
    experiment = rows_of(builder, lambda row, block: row.update(ok=False, error="500") if row["user"] == 0 else None)
    table = contrast(experiment.rows, Box(fastest_ms=500, from_ms=0)).set_index(["attribute", "value"])
    assert ("outcome", "500") in table.index

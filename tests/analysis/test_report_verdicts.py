"""The verdicts of whole reports, from drawn runs in which nothing differs, or everything by the equivalence margin.

`SIMULATED_REPORTS=400` draws more reports than the suite has time for.
"""

import math
import os

import numpy as np
import pandas as pd
import pytest

from analysis.effect_tables import Change, evaluate_tables, measured_tables
from workbench.arms import BURST_50, READS, TUNED

pytestmark = pytest.mark.simulated

REPORTS = int(os.environ.get("SIMULATED_REPORTS", "15"))
CHANGES = [Change(f"change {n}", f"without {n}", TUNED) for n in range(4)]
BLOCKS, REQUESTS = 4, 150
DRIFT, SPREAD = 0.10, 0.05  # standard deviations of logarithms: of the machine by block, of each run


def drawn_runs(random, scenario, slower):
    """The `metrics_by_run` of tuned, its A/A replicate, and arms that are `slower` (a ratio) than it."""
    rows = [
        {"deployment": name, "scenario": scenario, "block": block, "replicate": replicate, "drift": drift}
        for block, drift in enumerate(random.normal(0.0, DRIFT, BLOCKS))
        for name, replicate in [(TUNED, False), (TUNED, True), *((change.before, False) for change in CHANGES)]
    ]
    runs = pd.DataFrame(rows)
    noise = {name: np.exp(random.normal(0.0, SPREAD, len(runs))) for name in ("run", "cpu", "database", "tail", "all")}
    time = np.exp(runs["drift"]) * noise["run"] * np.where(runs["deployment"] == TUNED, 1.0, slower)
    successful = REQUESTS - random.poisson(0.3, len(runs))
    statements = 4 * REQUESTS + random.poisson(3.0, len(runs))
    return runs.assign(
        successful=successful, success_share=successful / REQUESTS, statements=statements / REQUESTS,
        statement_count=statements, cpu_ms=4 * noise["cpu"], cpu_ticks=0.4 * REQUESTS * noise["cpu"],
        database_ms=2 * time * noise["database"], makespan_s=0.4 * time, makespan_us=4e5 * time, mean_ms=100 * time,
        reads_p95_ms=200 * time * noise["tail"], p95_ms=300 * time * noise["all"],
        throughput_rps=successful / (0.4 * time), requests=REQUESTS,
        omitted=0, response_mean_ms=np.nan, response_p95_ms=np.nan, response_reads_p95_ms=np.nan,
    )  # fmt: skip


def reports(seed, slower=1.0):
    """The effects of each report: four changes, the nine metrics of closed load, two loads."""
    random = np.random.default_rng(seed)
    for _ in range(REPORTS):
        tables = []
        for scenario in (BURST_50, READS):
            tables += measured_tables(drawn_runs(random, scenario, slower), TUNED, CHANGES, scenario)
        evaluated = evaluate_tables(tables)
        assert sum(len(table.effects) for table in evaluated) == 2 * 9 * len(CHANGES)
        yield [(table.metric, effect) for table in evaluated for effect in table.effects]


def most(share):
    """The largest number of reports that is compatible with this share of them."""
    return REPORTS * share + 3 * math.sqrt(REPORTS * share * (1 - share))


def test_a_report_in_which_nothing_differs_seldom_has_an_improvement_or_a_regression():
    alarms = by_column = 0
    for effects in reports(1):
        alarms += any(effect.verdict in ("improvement", "regression") for _, effect in effects)
        by_column += any(effect.p is not None and effect.p * len(CHANGES) <= 0.05 for _, effect in effects)
    print(f"{REPORTS} reports without a difference: {alarms} with a false alarm, {by_column} if corrected by column")
    assert alarms <= most(0.05)


def test_a_report_in_which_times_differ_by_their_margin_seldom_calls_one_equivalent():
    wrong = 0
    for effects in reports(2, slower=1.1):
        times = [effect for metric, effect in effects if metric.equivalence_margin == 0.10]
        wrong += any(effect.verdict == "equivalent" for effect in times)
    print(f"{REPORTS} reports in which times differ by the margin: {wrong} call one equivalent")
    assert wrong <= most(0.025)

"""The gates of a load that several hosts make, and its entries in a record."""

import pandas as pd
import pytest

from workbench.record_shape import mismatches
from workbench.validity import CLOCK_ERROR, HOSTS, gates

CLOCK = {"offset_ns": -3_600 * 10**9, "uncertainty_ns": 150_000, "rounds": 60}
COMPLETE = {
    "name": "w1", "address": "10.0.0.2", "processes": [0], "status": "complete", "lost": "", "rows": 10,
    "last_send_us": 5, "wall_difference_s": -0.1, "clock": CLOCK, "clock_at_end": CLOCK, "clock_error_ms": 0.15,
}  # fmt: skip
LOST = COMPLETE | {
    "status": "lost",
    "lost": "silent",
    "clock_at_end": None,
    "clock_error_ms": None,
    "last_send_us": None,
}


def evaluated(hosts):
    columns = {"start_us": [1], "latency_us": [2], "scheduled_us": [1], "status": [200], "ok": [True], "error": [None]}
    found = gates(pd.DataFrame(columns), None, summary={"hosts": hosts})
    return {gate.name: (gate.value, gate.passed) for gate in found if gate.name in (HOSTS.name, CLOCK_ERROR.name)}


@pytest.mark.parametrize(
    ("hosts", "lost", "clock_error"),
    [
        ([COMPLETE], (0, True), (0.15, True)),
        ([COMPLETE, COMPLETE | {"clock_error_ms": 100.1}], (0, True), (100.1, False)),
        ([COMPLETE, LOST], (1, False), (None, None)),
        ([LOST | {"status": "running"}], (1, False), (None, None)),
    ],
)
def test_gates_of_hosts_fail_for_a_lost_one_and_for_a_clock_that_is_not_known(hosts, lost, clock_error):
    assert evaluated(hosts) == {HOSTS.name: lost, CLOCK_ERROR.name: clock_error}


def test_gates_of_one_host_have_nothing_about_hosts():
    assert evaluated([]) == {}


@pytest.mark.parametrize("change", [{"rows": -1}, {"clock": {"offset_ns": "x"}}, {"status": 7}, {"clock_error_ms": []}])
def test_an_entry_of_another_shape_is_a_mismatch(builder, change):
    (run,) = builder.experiment(builder.run()).runs
    assert list(mismatches(run.record | {"hosts": [COMPLETE, LOST]}, "run")) == []
    assert list(mismatches(run.record | {"hosts": [COMPLETE | change]}, "run")) != []

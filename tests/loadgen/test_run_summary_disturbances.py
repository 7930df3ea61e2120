"""The line that names the processes which took the CPU of a run."""

import pandas as pd
import pytest

from loadgen import run_summary
from workbench.validity import OTHERS_CPU, OTHERS_CPU_PEAK

BUSIEST = [{"name": "compiler", "pid": 17, "cpu_ms": 900.0}, {"name": "backup", "pid": 4, "cpu_ms": 20.0}]


@pytest.fixture
def lines(tmp_path):
    """The lines of a run in which others had these shares of the cores."""
    row = {
        "phase": "measure",
        "endpoint": "GET /",
        "scheduled_us": 1,
        "start_us": 1,
        "latency_us": 1,
        "ok": True,
        "error": None,
    }
    pd.DataFrame([row]).to_parquet(tmp_path / "requests.parquet")

    def make(share, peak, busiest=BUSIEST, shared=False):
        gates = [OTHERS_CPU.evaluate(share), OTHERS_CPU_PEAK.evaluate(peak)]
        record = {
            "gates": [gate.record() for gate in gates], "generator": {}, "valid": True, "reasons": [],
            "scenario": {"kind": "burst", "duration_s": 0}, "environment": {"shared_machine": shared},
            "busiest_others": busiest,
        }  # fmt: skip
        return run_summary.lines(tmp_path, record)

    return make


@pytest.mark.parametrize(("share", "peak"), [(0.0, 0.0), (0.1, 0.3), (None, None)])
def test_an_undisturbed_run_has_no_line(lines, share, peak):
    assert lines(share, peak) == []


@pytest.mark.parametrize(("share", "peak"), [(0.456, 0.5), (0.05, 0.5)])
def test_the_processes_that_took_the_cpu_are_named(lines, share, peak):
    named = "mostly compiler (id 17), backup (id 4)"
    assert lines(share, peak) == [f"Other processes took {share:.1%} of all cores: {named}"]


def test_on_a_shared_machine_the_line_says_that_nothing_follows(lines):
    (line,) = lines(0.5, 0.5, busiest=[], shared=True)
    assert line.startswith("Other processes took 50.0% of all cores; this is not evaluated")

"""On the page of a run of a shared machine its disturbances have values, and no verdict."""

import pytest

from reports.single_run import run_tables, run_verdict
from tests.reports.page_reader import page_text, table_cells
from workbench.validity import OTHERS_CPU

NOTE = "On a machine that others share, disturbances are recorded without a verdict."


@pytest.fixture
def recorded(builder):
    """Write a run with this share of the CPU for other processes, and open it."""

    def recorded(value, *, shared):
        files = builder.run("tuned", "burst-50")
        environment = files.record["environment"] | {"shared_machine": shared}
        others = OTHERS_CPU.observe(value).record()
        gates = [others if gate["name"] == OTHERS_CPU.name else gate for gate in files.record["gates"]]
        files.record |= {"environment": environment, "gates": gates if others in gates else [*gates, others]}
        return files.write(builder.runs / "single-runs" / "20260101-000000-made")

    return recorded


def test_measured_disturbance_has_no_verdict(recorded):
    run = recorded(0.5, shared=True)
    page = run_tables.gates(run)
    cells = table_cells(page, "Gates")[OTHERS_CPU.name]
    assert (cells["value"], cells["verdict"]) == ("50.0%", "no verdict")
    assert NOTE in page_text(page)
    assert ", 1 without a verdict, " in page_text(run_verdict.first_screen(run))


def test_value_that_was_not_measured_is_called_so(recorded):
    run = recorded(None, shared=False)
    page = run_tables.gates(run)
    assert table_cells(page, "Gates")[OTHERS_CPU.name]["verdict"] == "not measured"
    assert NOTE not in page_text(page)
    assert "without a verdict" not in page_text(run_verdict.first_screen(run))

"""The bottleneck sections: requests present by part."""

import pytest

from reports.sections import bottlenecks
from reports.sections.names import arm
from tests.reports.page_reader import table_cells
from workbench.arms import BASELINE


def test_requests_present_are_arrival_rate_times_latency(reports):
    row = table_cells(bottlenecks.saturated_resources(reports("full")), "Requests present in each part")[
        arm(BASELINE, "burst-50")
    ]
    rate, latency_ms, there = (float(row[name].replace(",", "")) for name in ("λ (requests/s)", "W (ms)", "L = λW"))
    assert there == pytest.approx(rate * latency_ms / 1000, rel=0.01)
    assert float(row["queue"]) > 0.9 * there

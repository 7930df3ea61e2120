"""The pool section: counters of the pools and of the database server."""

import pytest

from analysis.findings import pooling
from reports.sections import infrastructure
from reports.sections.comparison import Report
from tests.reports.page_reader import page_text, report_of, table_cells
from workbench.arms import ADVISED, BASELINE, LABELS, TUNED


def test_the_pool_shows_what_the_server_and_the_pool_counted(reports):
    rows = table_cells(infrastructure.pool(reports("full")), "The pool, declared and in use")
    assert rows["connections allowed, all workers"]["published"] == "50"
    for name, here, tuned in (
        ("connections allowed, all workers", "50", "6"),
        ("peak connections, by the server", "1", "2"),
        ("connections opened by the pools", "1", "2"),
        ("pre-pings, by the server", "149", "148"),
        ("requests with a query", "150", "150"),
        ("mean wait for a connection (ms)", "1.00", "1.00"),
        ("longest wait for a connection (ms)", "3.00", "4.00"),
        ("mean time to open a connection (ms)", "10.00", "10.00"),
        ("mean connection hold time (ms)", "4.00", "4.00"),
        ("timeouts, dead and recycled connections", "0", "0"),
    ):
        assert (rows[name][LABELS[BASELINE]], rows[name]["tuned"]) == (here, tuned), name


@pytest.mark.parametrize("runs", [(BASELINE,), (BASELINE, "as-measured-on-rds")])
def test_the_rds_profile_is_reported_as_run_only_if_it_was(builder, runs):
    scenarios = {BASELINE: "burst-50", "as-measured-on-rds": "missing-table"}
    text = page_text(
        infrastructure.pool(report_of(builder.experiment(*(builder.run(name, scenarios[name]) for name in runs))))
    )
    assert ("was not run here" in text) == (len(runs) == 1)
    assert ("was run here under another load (a missing table)" in text) == (len(runs) == 2)


def test_the_pools_are_shown_beside_pgbouncer(builder):
    names = (ADVISED, "as-advised-with-pgbouncer", TUNED)
    experiment = builder.experiment(*(builder.run(name, block=block) for name in names for block in range(4)))
    html = infrastructure.pool(Report(experiment, list(pooling.findings(experiment))))
    rows = table_cells(html, "Pools and PgBouncer")
    assert list(rows) == [LABELS[ADVISED], f"{LABELS[ADVISED]}: PgBouncer"]
    assert all(float(cells["p95 (ms)"].replace(",", "")) > 0 for cells in rows.values())
    assert len(table_cells(html, "What PgBouncer changes")) == 2

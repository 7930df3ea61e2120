"""The table of servers of the tuned set-up."""

from reports.sections import servers
from tests.reports.page_reader import column, report_of, table_cells
from workbench.arms import TUNED


def test_each_server_has_a_row(builder):
    runs = [builder.run(name) for name in (TUNED, "tuned-with-gevent", "tuned-with-granian")]
    rows = table_cells(servers.servers(report_of(builder.experiment(*runs))), "The tuned set-up by server")
    assert list(column(rows, "server").values()) == ["gthread", "gevent", "granian"]
    assert all("until" in text for text in column(rows, "a slow body holds up").values())
    assert all(column(rows, "CPU a request (ms)").values())


def test_one_server_is_compared_with_nothing(builder):
    assert str(servers.servers(report_of(builder.experiment(builder.run(TUNED))))) == ""

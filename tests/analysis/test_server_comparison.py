"""The servers of one set-up side by side, on runs whose values are known."""

from analysis.findings import servers
from analysis.metrics.server_comparison import compared_servers
from workbench.arms import TUNED

SYNC, GEVENT, GRANIAN = "tuned-with-sync-workers", "tuned-with-gevent", "tuned-with-granian"


def test_servers_are_compared_with_tuned_first(builder):
    runs = [builder.run(name) for name in (GRANIAN, TUNED, SYNC, GEVENT)]
    compared = compared_servers(builder.experiment(*runs))
    assert list(compared.index) == [TUNED, GEVENT, GRANIAN, SYNC]
    assert list(compared["server"]) == ["gthread", "gevent", "granian", "sync"]
    assert compared["cpu_ms"].notna().all()


def test_a_deployment_that_differs_in_more_is_not_among_the_servers(builder):
    runs = [builder.run(name) for name in (TUNED, GEVENT, "tuned-without-workers", "as-advised")]
    assert list(compared_servers(builder.experiment(*runs)).index) == [TUNED, GEVENT]


def test_an_asynchronous_server_is_among_the_servers_with_its_driver(builder):
    names = (TUNED, "tuned-with-psycopg3", "async-quart", "tuned-with-two-threads", "async-quart-without-cache")
    compared = compared_servers(builder.experiment(*(builder.run(name) for name in names)))
    assert list(compared["server"] + " " + compared["driver"]) == [
        "gthread psycopg2",
        "uvicorn psycopg3",
        "gthread psycopg3",
    ]


def test_the_load_that_a_server_sustains_is_that_of_its_search(builder):
    runs = [builder.run(TUNED), builder.run(GRANIAN)]
    probes = [builder.run(GRANIAN, "open-8"), builder.run(GRANIAN, "open-16", slower=1000)]
    searches = [{"deployment": GRANIAN, "family": "open"}]
    compared = compared_servers(builder.experiment(*runs, probes=probes, searches=searches))
    assert str(compared.loc[GRANIAN, "sustained_rps"]) == "8–16"
    assert compared.loc[TUNED, "sustained_rps"] is None


def test_one_server_is_no_comparison(builder):
    assert compared_servers(builder.experiment(builder.run(TUNED), builder.run())).empty


def test_a_run_without_readings_has_no_cost_and_no_memory(builder):
    unread = builder.run(GEVENT)
    unread.process = None
    row = compared_servers(builder.experiment(builder.run(TUNED), unread)).loc[GEVENT]
    assert row["cpu_ms"] is None
    assert row["memory_mib"] is None


def test_each_server_has_a_finding_with_its_values(builder):
    listed = list(servers.findings(builder.experiment(builder.run(TUNED), builder.run(GRANIAN, slower=2))))
    assert [finding.id for finding in listed] == [f"server-{TUNED}", f"server-{GRANIAN}"]
    assert listed[1].effect > listed[0].effect
    assert "served by granian" in listed[1].claim
    assert "ms of CPU a request" in listed[1].evidence

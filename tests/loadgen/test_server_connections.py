"""One number of connections for the runs of an experiment."""

from loadgen import server_connections
from loadgen.deployments import DEPLOYMENTS, settings_for


def test_deployments_that_do_not_notice_it_share_the_largest_number():
    assert server_connections.shared_by(["as-measured", "tuned", "as-advised"]) == {
        "as-measured": 750, "tuned": 750, "as-advised": 750,
    }  # fmt: skip


def test_a_deployment_that_would_start_with_the_larger_number_only_keeps_its_own():
    assert server_connections.shared_by(["as-advised", "as-advised-at-default"]) == {
        "as-advised": 750, "as-advised-at-default": 100,
    }  # fmt: skip


def test_a_deployment_alone_has_what_it_declares():
    for name in DEPLOYMENTS:
        assert server_connections.shared_by([name]) == {name: settings_for(name).max_connections}


def test_only_the_advice_at_the_default_keeps_its_own_among_all():
    shared = server_connections.shared_by(DEPLOYMENTS)
    assert {name for name, number in shared.items() if number != max(shared.values())} == {"as-advised-at-default"}

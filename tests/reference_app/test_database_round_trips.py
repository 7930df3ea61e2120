"""The round trips that a request counts are those that a proxy sees."""

import pytest
from sqlalchemy import make_url

from loadgen import proxy
from tests.reference_app.pool_connections import backend
from tests.reference_app.sign_in import STATISTICS, give_session
from tests.timings import server_timing


@pytest.fixture
def counted(start, settings, tmp_path):
    """Starts an application behind a proxy; a client that is logged in, and a function that reads the proxy's count."""
    url = make_url(settings.database_url)
    with proxy.through((url.host, url.port), 0, tmp_path / "proxy.log") as between:
        host, port = between.address
        through = url.set(host=host, port=port).render_as_string(hide_password=False)

        def started(**changed):
            client = start(database_url=through, **changed).test_client()
            give_session(client)
            backend()  # opens the connection, which is not counted
            return client, lambda: between.counts()[1]

        yield started


@pytest.mark.parametrize(
    ("changed", "trips"),
    [
        ({}, 7),  # pre-ping, the account; pre-ping, BEGIN, two statements, ROLLBACK
        ({"pool_pre_ping": False}, 5),
        ({"pool_ping_after_ms": 60_000}, 5),
        ({"reads": "autocommit"}, 5),
        ({"reads": "autocommit", "pool_pre_ping": False}, 3),
        ({"statistics_query": "separate"}, 10),
        ({"deadlines": True}, 7),
    ],
)
def test_the_counted_round_trips_are_those_on_the_wire(counted, changed, trips):
    client, on_the_wire = counted(**changed)
    before = on_the_wire()
    timing = server_timing(client.get(STATISTICS).headers["Server-Timing"])
    assert timing["db_round_trips"] == on_the_wire() - before == trips


def test_a_write_counts_its_commit(counted):
    client, on_the_wire = counted()
    before = on_the_wire()
    answer = client.post("/api/scans", json={"qr_id": "M444-0000009"}, headers={"Idempotency-Key": "wire"})
    assert answer.status_code == 201
    # Pre-ping, the account; pre-ping, BEGIN, the bag, the scan, COMMIT.
    assert server_timing(answer.headers["Server-Timing"])["db_round_trips"] == on_the_wire() - before == 7
    before = on_the_wire()
    answer = client.post("/api/scans", json={"qr_id": "UNKNOWN"}, headers={"Idempotency-Key": "none"})
    assert answer.status_code == 404
    # Pre-ping, the account; pre-ping, BEGIN, the bag that is not there, ROLLBACK.
    assert server_timing(answer.headers["Server-Timing"])["db_round_trips"] == on_the_wire() - before == 6

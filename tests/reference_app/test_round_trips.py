"""The round trips that a request counts are those on the wire."""

import pytest
from sqlalchemy import make_url

from loadgen import proxy
from tests.reference_app.taken import backend
from tests.timings import server_timing


@pytest.fixture
def counted(start, settings, tmp_path):
    """Starts an application behind a proxy that counts the turns on the wire; yields a function that asks for them."""
    url = make_url(settings.database_url)
    with proxy.through((url.host, url.port), 0, tmp_path / "proxy.log") as between:
        host, port = between.address
        through = url.set(host=host, port=port).render_as_string(hide_password=False)

        def started(**changed):
            app = start(database_url=through, **changed)
            backend()  # opens the connection, which is not counted
            return app, lambda: between.counts()[1]

        yield started


@pytest.mark.parametrize(
    ("changed", "trips"),
    [
        ({}, 5),  # pre-ping, BEGIN, two statements, ROLLBACK
        ({"pool_pre_ping": False}, 4),
        ({"pool_ping_after_ms": 60_000}, 4),
        ({"reads": "autocommit"}, 3),
        ({"reads": "autocommit", "pool_pre_ping": False}, 2),
        ({"statistics_query": "separate"}, 8),
        ({"deadlines": True}, 5),
    ],
)
def test_the_counted_round_trips_are_those_on_the_wire(counted, changed, trips):
    app, on_the_wire = counted(**changed)
    client = app.test_client()
    with client.session_transaction() as session:
        session["user"] = {"id": 1, "username": "user001", "role": "admin"}
    before = on_the_wire()
    told = server_timing(client.get("/api/dashboard/stats").headers["Server-Timing"])
    assert told["db_round_trips"] == on_the_wire() - before == trips


def test_a_write_pays_for_its_commit(counted):
    app, on_the_wire = counted()
    client = app.test_client()
    with client.session_transaction() as session:
        session["user"] = {"id": 1, "username": "user001", "role": "admin"}
    before = on_the_wire()
    answer = client.post("/api/scans", json={"qr_id": "M444-0000009"}, headers={"Idempotency-Key": "wire"})
    assert answer.status_code == 201
    # Pre-ping, BEGIN, the bag, the scan, COMMIT.
    assert server_timing(answer.headers["Server-Timing"])["db_round_trips"] == on_the_wire() - before == 5
    before = on_the_wire()
    answer = client.post("/api/scans", json={"qr_id": "NOBODY"}, headers={"Idempotency-Key": "none"})
    assert answer.status_code == 404
    # Pre-ping, BEGIN, the bag that is not there, ROLLBACK.
    assert server_timing(answer.headers["Server-Timing"])["db_round_trips"] == on_the_wire() - before == 4

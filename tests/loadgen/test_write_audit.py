"""The audit of writes: scans in the request rows against scans in the database."""

from contextlib import closing

import pandas as pd
import pytest

from loadgen import write_audit


@pytest.fixture
def stored(server, database):
    """Stores scans with the given keys, and deletes them afterwards."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:

        def store(*keys):
            for user, key in keys:
                cursor.execute(
                    "INSERT INTO tracetrack.scan (bag_id, user_id, idempotency_key) VALUES (1, %s, %s)", (user, key)
                )

        yield store
        cursor.execute("DELETE FROM tracetrack.scan WHERE idempotency_key IS NOT NULL")


@pytest.fixture
def rows(tmp_path):
    """Writes the request rows of scans."""

    def write(*scans):
        frame = pd.DataFrame(scans, columns=["user", "sequence", "endpoint", "status", "ok"])
        frame.to_parquet(tmp_path / "requests.parquet")
        return tmp_path / "requests.parquet"

    return write


def test_check_counts_lost_doubled_and_unacknowledged_scans(server, database, stored, rows):
    stored((1, "0-1"), (2, "0-2"), (3, "0-2"), (1, "5-9"))
    requests = rows(*((0, sequence, "scan", 201, True) for sequence in (1, 2, 3)), (0, 4, "scan", 503, False))
    writes = write_audit.check(server, database, requests)
    assert writes == write_audit.Writes(acknowledged=3, stored=4, lost=1, doubled=1, unacknowledged=1)


def test_check_of_a_load_without_scans_is_none(server, database, rows):
    assert write_audit.check(server, database, rows((0, 1, "login", 302, True))) is None


def test_check_takes_a_session_that_has_ended_for_no_acknowledgement(server, database, rows):
    writes = write_audit.check(server, database, rows((0, 1, "scan", 401, True)))
    assert (writes.acknowledged, writes.lost) == (0, 0)

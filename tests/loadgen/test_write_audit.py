"""Every acknowledged scan is looked for in the database."""

from contextlib import closing

import pandas as pd
import pytest

from loadgen import write_audit


@pytest.fixture
def stored(server, database):
    """Stores scans under these keys and takes them away afterwards."""
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
    def write(*scans):
        frame = pd.DataFrame(scans, columns=["user", "sequence", "endpoint", "ok"])
        frame.to_parquet(tmp_path / "requests.parquet")
        return tmp_path / "requests.parquet"

    return write


def test_what_is_lost_doubled_or_not_acknowledged_is_counted(server, database, stored, rows):
    stored((1, "0-1"), (2, "0-2"), (3, "0-2"), (1, "5-9"))
    requests = rows((0, 1, "scan", True), (0, 2, "scan", True), (0, 3, "scan", True), (0, 4, "scan", False))
    found = write_audit.check(server, database, requests)
    assert found == write_audit.Writes(acknowledged=3, stored=4, lost=1, doubled=1, unacknowledged=1)


def test_a_load_without_scans_has_nothing_to_check(server, database, rows):
    assert write_audit.check(server, database, rows((0, 1, "login", True))) is None

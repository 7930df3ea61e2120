"""The audit of writes: scans in the request rows against scans in the database."""

from contextlib import closing

import pandas as pd
import pytest

from loadgen import write_audit
from loadgen.dataset import find_scale

COUNTS = find_scale("small").counts()


@pytest.fixture
def stored(server, database):
    """Stores scans with the given accounts and keys, and deletes them afterwards."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:

        def store(*keys):
            for user, key in keys:
                cursor.execute(
                    "INSERT INTO tracetrack.scan (bag_id, user_id, idempotency_key) VALUES (1, %s, %s)", (user, key)
                )

        yield store
        cursor.execute("DELETE FROM tracetrack.scan WHERE id > %s", (COUNTS["scan"],))


@pytest.fixture
def rows(tmp_path):
    """Writes the request rows of scans."""

    def write(*scans):
        frame = pd.DataFrame(scans, columns=["user", "sequence", "endpoint", "status", "ok"])
        frame.to_parquet(tmp_path / "requests.parquet")
        return tmp_path / "requests.parquet"

    return write


@pytest.fixture
def check(server, database, rows):
    """The audit of these scans; `sessions` is how many users have a session of their own."""

    def audited(*scans, sessions=0):
        return write_audit.check(server, database, rows(*scans), COUNTS, sessions)

    return audited


def successful(user, *sequences):
    return [(user, sequence, "scan", 201, True) for sequence in sequences]


def test_check_counts_lost_doubled_and_unacknowledged_scans(check, stored):
    stored((1, "0-1"), (2, "0-2"), (1, "0-2"), (1, "0-4"))
    writes = check(*successful(0, 1, 2, 3), (0, 4, "scan", 503, False))
    assert writes == write_audit.Writes(acknowledged=3, stored=4, lost=1, doubled=1, unacknowledged=1, wrong_user=1)


@pytest.mark.parametrize("key", [None, "0-1-copy", "0-2"], ids=["no key", "of no request", "of another request"])
def test_check_counts_a_row_that_no_scan_explains_as_doubled(check, stored, key):
    stored((1, "0-1"), (1, key))
    writes = check(*successful(0, 1), (0, 2, "dashboard", 200, True), (0, 3, "dashboard", 200, True))
    assert (writes.stored, writes.lost, writes.doubled, writes.unacknowledged) == (2, 0, 1, 0)


def test_check_takes_a_scan_after_the_last_row_of_its_user_for_one_whose_row_was_lost(check, stored):
    stored((1, "0-1"), (1, "0-2"), (6, "5-1"))
    writes = check(*successful(0, 1))
    assert (writes.stored, writes.doubled, writes.unacknowledged, writes.wrong_user) == (3, 0, 2, 0)


def test_check_counts_scans_of_another_user(check, stored):
    stored((1, "0-1"), (1, "1-1"), (COUNTS["user"], "2-1"))
    writes = check(*(scan for user in range(3) for scan in successful(user, 1)))
    assert (writes.lost, writes.doubled, writes.wrong_user) == (0, 0, 2)


def test_check_allows_a_user_without_a_session_the_accounts_whose_cookies_are_shared(check, stored):
    stored((1, "0-1"), (2, "5-1"), (6, "5-2"), (7, "5-3"), (1, "1-1"))
    writes = check(*successful(0, 1), *successful(1, 1), *successful(5, 1, 2, 3), sessions=2)
    assert writes.wrong_user == 2


def test_check_of_a_load_without_scans_is_none(check):
    assert check((0, 1, "login", 302, True)) is None


def test_check_takes_a_session_that_has_ended_for_no_acknowledgement(check):
    writes = check((0, 1, "scan", 401, True))
    assert (writes.acknowledged, writes.lost) == (0, 0)

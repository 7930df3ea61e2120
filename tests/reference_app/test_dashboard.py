"""The statistics of the dashboard: by each query, with missing tables, and exact counts of the triggers."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from random import Random

import pytest
from sqlalchemy import text

from loadgen import deployments, run_database
from loadgen.dataset import SCALES
from reference_app.caches import DEGRADED_S
from reference_app.dashboard import AGGREGATED
from reference_app.database import connection, rows
from tests.conftest import QUICK_HASH
from tests.reference_app.sign_in import STATISTICS, give_session, logged_in
from tests.timings import server_timing

SMALL = SCALES["small"]


def test_the_answer_holds_the_counts_and_the_last_scans(client, auth, server, database):
    auth.login("user004")
    answer = client.get(STATISTICS)
    assert answer.status_code == 200
    assert list(answer.json) == ["success", "user_context", "stats", "recent_activity", "timestamp"]
    assert answer.json["success"] is True
    assert answer.json["user_context"] == {"id": 4, "username": "user004", "role": "biller"}
    assert answer.json["stats"] == {
        "total_bags": SMALL.bags,
        "total_scans": SMALL.scans,
        "total_bills": SMALL.bills,
        "active_users": SMALL.users,
    }
    assert datetime.fromisoformat(answer.json["timestamp"]).tzinfo

    recent = answer.json["recent_activity"]
    assert all(list(scan) == ["id", "qr_id", "type", "username", "scanned_at"] for scan in recent)
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, scanned_at FROM tracetrack.scan")
        newest = sorted(cursor.fetchall(), key=lambda scan: (scan[1], scan[0]), reverse=True)[:10]
    assert [(scan["id"], datetime.fromisoformat(scan["scanned_at"])) for scan in recent] == newest


def test_without_a_session_the_response_is_401_and_json(client):
    answer = client.get(STATISTICS)
    assert (answer.status_code, answer.content_type) == (401, "application/json")
    assert answer.json == {"success": False, "error": "not logged in"}


def test_users_share_the_cached_part_but_not_their_user_context(make_app, settings):
    app = make_app(replace(settings, cache="process"))
    answers = []
    for username in ("user001", "user002"):
        answers.append(logged_in(app, username).get(STATISTICS))
    first, second = (answer.json for answer in answers)
    assert first["timestamp"] == second["timestamp"]
    assert [answer["user_context"]["username"] for answer in (first, second)] == ["user001", "user002"]
    assert 'cache;dur=0.000;desc="none"' not in answers[0].headers["Server-Timing"]
    assert 'desc="hit"' in answers[1].headers["Server-Timing"]


def test_a_missing_database_gives_503_without_internals(make_app, settings, server):
    app = make_app(replace(settings, database_url=server.url_of("no_such_database")))
    answer = app.test_client().get("/health")
    assert (answer.status_code, answer.json) == (503, {"success": False, "error": "database error"})


def test_health_of_a_working_application_is_ok(client):
    answer = client.get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "ok")


@pytest.fixture
def own_database(server, template):
    """A clone of the test's own, which it may damage."""
    settings = deployments.settings_for("as-measured", statistics_query="summary", password_hash=QUICK_HASH)
    with run_database.clone(replace(server, child=None), template, "broken", settings) as name:
        yield name


@pytest.fixture
def change(server, own_database):
    """Runs SQL in it."""

    def execute(statement):
        with closing(server.connect(own_database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    return execute


@pytest.fixture
def damaged_app(make_app, settings, server, own_database):
    """Creates an application on that database, and a client that is logged in."""

    def create(**changed):
        app = make_app(replace(settings, database_url=server.application_url_of(own_database), pool_size=1, **changed))
        client = app.test_client()
        give_session(client)
        return app, client

    return create


ALL_COUNTS = {
    "total_bags": SMALL.bags,
    "total_scans": SMALL.scans,
    "total_bills": SMALL.bills,
    "active_users": SMALL.users,
}


@pytest.mark.parametrize(("query", "statements"), [("separate", 6), ("aggregated", 3), ("summary", 3)])
def test_each_query_gives_the_same_counts_in_its_own_number_of_statements(damaged_app, query, statements):
    _, client = damaged_app(statistics_query=query)
    answer = client.get(STATISTICS)
    assert answer.json["stats"] == ALL_COUNTS
    assert server_timing(answer.headers["Server-Timing"])["db_calls"] == statements


@pytest.mark.parametrize(
    ("query", "damage", "missing"),
    [
        ("aggregated", "DROP TABLE tracetrack.bill CASCADE", ["total_bills"]),
        ("aggregated", "DROP TABLE tracetrack.scan", ["total_scans", "recent_activity"]),
        ("aggregated", "DROP TABLE tracetrack.bag CASCADE", ["total_bags", "recent_activity"]),
        ("aggregated", "ALTER TABLE tracetrack.scan RENAME scanned_at TO stamp", ["recent_activity"]),
        ("separate", "DROP TABLE tracetrack.bill CASCADE", ["total_bills"]),
        ("summary", "DROP TABLE tracetrack.bill CASCADE", []),  # the row has the count without the table
        ("summary", "DROP TABLE tracetrack.summary", []),  # the tables have the counts without the row
        ("summary", "DELETE FROM tracetrack.summary", []),
    ],
)
def test_missing_parts_are_named_and_the_others_are_returned(damaged_app, change, caplog, query, damage, missing):
    app, client = damaged_app(statistics_query=query)
    change(damage)
    answer = client.get(STATISTICS, headers={"X-Request-ID": "request-1"})
    assert answer.status_code == 200
    assert answer.json.get("unavailable", []) == missing
    assert answer.json["stats"] == ALL_COUNTS | {name: None for name in missing if name in ALL_COUNTS}
    assert (answer.json["recent_activity"] == []) == ("recent_activity" in missing)
    assert len(caplog.records) == (1 if missing or "summary" in damage else 0)
    with app.app_context(), connection() as opened:
        assert rows(opened, text("SELECT 1 AS number")) == [{"number": 1}]


@pytest.mark.parametrize(
    "damage",
    [
        'DROP TABLE tracetrack."user" CASCADE',
        'ALTER TABLE tracetrack."user" DROP active',
        "DROP SCHEMA tracetrack CASCADE",
    ],
)
def test_without_the_accounts_nobody_gets_an_answer(damaged_app, change, damage):
    app, client = damaged_app()
    assert client.get(STATISTICS).status_code == 200
    change(damage)
    answer = client.get(STATISTICS)
    assert (answer.status_code, answer.json) == (503, {"success": False, "error": "database error"})
    with app.app_context(), connection() as opened:
        assert rows(opened, text("SELECT 1 AS number")) == [{"number": 1}]


def test_the_log_line_is_json_with_the_id_of_the_request(damaged_app, change, capfd):
    _, client = damaged_app()
    change("DROP TABLE tracetrack.bill CASCADE")
    answer = client.get(STATISTICS, headers={"X-Request-ID": "request-1"})
    assert answer.headers["X-Request-ID"] == "request-1"
    (line,) = capfd.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["request_id"], record["code"], record["unavailable"]) == ("request-1", "42P01", ["total_bills"])
    assert record["path"] == "/api/dashboard/stats"


def test_an_answer_with_missing_parts_is_cached_for_a_second_only(damaged_app, change):
    _, client = damaged_app(cache="process")
    change("ALTER TABLE tracetrack.bill RENAME TO bills")
    assert client.get(STATISTICS).json["unavailable"] == ["total_bills"]
    change("ALTER TABLE tracetrack.bills RENAME TO bill")
    time.sleep(DEGRADED_S + 0.1)
    assert client.get(STATISTICS).json["stats"] == ALL_COUNTS


def test_the_summary_is_exact_with_concurrent_writes(server, own_database):
    """Writers add, delete, roll back and switch users on and off, all at the same time."""

    def write(number):
        random = Random(number)
        with closing(server.connect(own_database)) as connection, connection.cursor() as cursor:
            connection.autocommit = False
            for turn in range(25):
                cursor.execute(random.choice(WRITES), {"key": f"{number}-{turn}", "number": random.randint(1, 5000)})
                connection.rollback() if random.random() < 0.3 else connection.commit()

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(write, range(8)))
    with closing(server.connect(own_database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT total_bags, total_scans, total_bills, active_users FROM tracetrack.summary")
        summary = cursor.fetchone()
        cursor.execute(str(AGGREGATED))
        assert summary == cursor.fetchone()
        assert summary != tuple(ALL_COUNTS.values())
        cursor.execute("TRUNCATE tracetrack.scan")
        cursor.execute("SELECT total_scans FROM tracetrack.summary")
        assert cursor.fetchone() == (0,)


def test_a_writer_in_mid_transaction_holds_up_no_other(server, own_database):
    with closing(server.connect(own_database)) as stuck, closing(server.connect(own_database)) as other:
        stuck.autocommit = other.autocommit = False
        for connection in (stuck, other):
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '1s'")
                cursor.execute("INSERT INTO tracetrack.scan (bag_id, user_id) VALUES (1, 1), (2, 1)")
        other.commit()
        with stuck.cursor() as cursor:
            cursor.execute("SAVEPOINT before_more")
            cursor.execute("INSERT INTO tracetrack.scan (bag_id, user_id) VALUES (3, 1)")
            cursor.execute("ROLLBACK TO before_more")
        stuck.commit()
        with other.cursor() as cursor:
            cursor.execute("SELECT total_scans = (SELECT count(*) FROM tracetrack.scan) FROM tracetrack.summary")
            assert cursor.fetchone() == (True,)


WRITES = (
    "INSERT INTO tracetrack.bag (qr_id, type) VALUES (%(key)s, 'child')",
    "INSERT INTO tracetrack.bag (qr_id, type) SELECT %(key)s || i, 'child' FROM generate_series(1, 20) i",
    "INSERT INTO tracetrack.scan (bag_id, user_id) VALUES (%(number)s, 1)",
    "DELETE FROM tracetrack.scan WHERE id = %(number)s",
    "DELETE FROM tracetrack.bag WHERE qr_id LIKE %(key)s || '%%'",
    "INSERT INTO tracetrack.bill (bill_id, created_by) VALUES (%(key)s, 1)",
    'UPDATE tracetrack."user" SET active = NOT active WHERE id = 1 + %(number)s %% 7',
)

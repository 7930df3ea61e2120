from contextlib import closing
from dataclasses import replace
from datetime import datetime

from loadgen.accounts import PASSWORD
from loadgen.dataset import SCALES

SMALL = SCALES["small"]


def test_the_answer_holds_the_counts_and_the_last_scans(client, auth, server, database):
    auth.login("user004")
    answer = client.get("/api/dashboard/stats")
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


def test_without_a_session_there_is_json_and_401(client):
    answer = client.get("/api/dashboard/stats")
    assert (answer.status_code, answer.content_type) == (401, "application/json")
    assert answer.json == {"success": False, "error": "not logged in"}


def test_users_share_what_is_cached_but_not_who_they_are(make_app, settings):
    app = make_app(replace(settings, cache="process"))
    answers = []
    for username in ("user001", "user002"):
        client = app.test_client()
        client.post("/login", data={"username": username, "password": PASSWORD})
        answers.append(client.get("/api/dashboard/stats"))
    first, second = (answer.json for answer in answers)
    assert first["timestamp"] == second["timestamp"]
    assert [one["user_context"]["username"] for one in (first, second)] == ["user001", "user002"]
    assert 'cache;dur=0.000;desc="none"' not in answers[0].headers["Server-Timing"]
    assert 'desc="hit"' in answers[1].headers["Server-Timing"]


def test_a_database_that_is_gone_is_503_without_internals(make_app, settings, server):
    app = make_app(replace(settings, database_url=server.url_of("no_such_database")))
    answer = app.test_client().get("/health")
    assert (answer.status_code, answer.json) == (503, {"success": False, "error": "database error"})


def test_health(client):
    answer = client.get("/health")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})

"""The search: its matches, limits and order, its indexes, and invalid terms."""

import re
from contextlib import closing

import pytest

from loadgen import dataset
from reference_app.dashboard import RECENT_ACTIVITY
from reference_app.search import SEARCH, longest_word

FRAMEWORKS = ("flask", "quart")

ODD_NAME = r"100%_sure\maybe"


@pytest.fixture
def search(client, auth):
    auth.login()
    return lambda q, **more: client.get("/api/bags/search", query_string={"q": q, **more})


@pytest.fixture
def odd_bag(server, database):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO tracetrack.bag (qr_id, name, type) VALUES ('ODD', %s, 'child')", (ODD_NAME,))
        yield "ODD"
        cursor.execute("DELETE FROM tracetrack.bag WHERE qr_id = 'ODD'")


def qr_ids(answer):
    assert answer.status_code == 200
    assert answer.json["count"] == len(answer.json["bags"])
    return [bag["qr_id"] for bag in answer.json["bags"]]


def test_a_response_has_all_its_fields(search):
    answer = search("SB00010")
    assert list(answer.json) == ["success", "query", "bags", "count", "timestamp"]
    assert (answer.json["success"], answer.json["query"], answer.json["count"]) == (True, "SB00010", 1)
    (bag,) = answer.json["bags"]
    assert list(bag) == ["id", "qr_id", "name", "type", "dispatch_area", "status"]
    assert (bag["id"], bag["qr_id"], bag["type"]) == (10, "SB00010", "parent")


@pytest.mark.parametrize("term", ["44-00012", "m444-0001234", "M444-0001234", "0001234"])
def test_a_part_of_the_id_is_enough_in_any_case(search, term):
    assert "M444-0001234" in qr_ids(search(term))


def test_the_name_is_searched_too(search):
    bags = search("bag LUCKNOW").json["bags"]
    assert len(bags) == 50
    assert all("Bag lucknow" in bag["name"] for bag in bags)


def test_the_order_is_that_of_the_ids(search):
    assert qr_ids(search("M444")) == [f"M444-{number:07d}" for number in range(1, 51)]


@pytest.mark.parametrize(
    ("limit", "number"), [("1", 1), ("50", 50), ("100", 100), ("101", 100), ("999999999", 100), ("9" * 5000, 100)]
)
def test_the_limit_applies_up_to_the_maximum(search, limit, number):
    assert len(qr_ids(search("M444", limit=limit))) == number


@pytest.mark.parametrize("limit", ["0", "-1", "ten", "", "1.5", "٣", "1 ", "0x10"])
def test_a_bad_limit_is_refused(search, limit):
    require_refusal(search("M444", limit=limit), "limit")


@pytest.mark.parametrize("term", ["", "M4", "x" * 101, "M444\0", "\0\0\0"])
def test_a_bad_term_is_refused(search, term):
    require_refusal(search(term), "q must")


def test_a_search_without_a_term_is_refused(client, auth):
    auth.login()
    require_refusal(client.get("/api/bags/search"), "q must")


def require_refusal(answer, reason):
    assert (answer.status_code, answer.content_type) == (400, "application/json")
    assert answer.json["success"] is False
    assert reason in answer.json["error"]


@pytest.mark.parametrize("term", ["%%%", "___", "M4_4", "M%4", "M444%", "\\\\\\"])
def test_wildcards_are_searched_for_literally(search, term):
    assert qr_ids(search(term)) == []


@pytest.mark.parametrize("term", ["0%_", "%_s", "_sure\\", "\\maybe", ODD_NAME])
def test_wildcards_match_names_that_contain_them(search, odd_bag, term):
    assert qr_ids(search(term)) == [odd_bag]


@pytest.mark.parametrize(
    "term", ["' OR 1=1 --", "'; DROP TABLE tracetrack.bag; --", "') UNION SELECT 1 --", "%(limit)s", ":pattern"]
)
def test_sql_in_the_term_finds_and_changes_nothing(search, server, database, term):
    assert qr_ids(search(term)) == []
    assert dataset.counts(server, database) == dataset.SCALES["small"].counts()


def test_without_a_session_the_response_is_401_and_json(client):
    answer = client.get("/api/bags/search?q=M444")
    assert (answer.status_code, answer.content_type) == (401, "application/json")


@pytest.fixture
def plan(server):
    """Explains a statement of the application, with a planner that avoids sequential scans."""

    def explain(indexes, statement, **parameters):
        template = dataset.ensure_template(server, "small", indexes)
        with closing(server.connect(template)) as connection, connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off; SET enable_indexscan = off" if parameters else "SELECT 1")
            sql = re.sub(r":([a-z]+)\b", r"%(\1)s", str(statement))
            cursor.execute(f"EXPLAIN {sql}", parameters)
            return "\n".join(line for (line,) in cursor.fetchall())

    return explain


@pytest.mark.parametrize(("indexes", "by_trigrams"), [("none", False), ("btree", False), ("trigram", True)])
def test_the_search_uses_the_indexes_of_its_arm(plan, indexes, by_trigrams):
    explained = plan(indexes, SEARCH, word="%0001234%", pattern="%M444-0001234%", limit=50)
    assert ("bag_qr_id_trigram" in explained and "bag_name_trigram" in explained) == by_trigrams
    assert ("Seq Scan" in explained) != by_trigrams


@pytest.mark.parametrize(("indexes", "by_index"), [("none", False), ("btree", True), ("trigram", True)])
def test_the_last_scans_use_the_index_of_their_arm(plan, indexes, by_index):
    assert ("scan_scanned_at" in plan(indexes, RECENT_ACTIVITY)) == by_index


@pytest.mark.parametrize(
    ("term", "word"),
    [
        ("M444-0001234", "0001234"),
        ("BAG", "BAG"),
        ("bag lucknow", "lucknow"),
        ("44-00", "44-00"),
        ("a-b", "a-b"),
        ("100%_sure", "sure"),
        ("ab cde fgh", "fgh"),
        ("über_maß", "über"),
        ("___", "___"),
    ],
)
def test_the_index_looks_up_the_longest_word(term, word):
    assert longest_word(term) == word


@pytest.mark.parametrize(
    "term",
    ["M444-0001234", "44-00", "m444-00012", "bag lucknow", "100%_", "%_s", "0%_sure\\m", "-000123", "sb0", "444"],
)
def test_the_result_is_that_of_a_plain_search(search, odd_bag, server, database, term):
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        pattern = f"%{escaped}%"
        cursor.execute(
            "SELECT qr_id FROM tracetrack.bag WHERE qr_id ILIKE %s OR name ILIKE %s ORDER BY qr_id LIMIT 50",
            (pattern, pattern),
        )
        assert qr_ids(search(term)) == [qr_id for (qr_id,) in cursor.fetchall()]

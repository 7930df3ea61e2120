"""What a plan shows of the values it was made with: none that is not public."""

import pytest

from loadgen.plan_redaction import PlanRedaction
from loadgen.statement_executions import Execution

STATEMENT = "SELECT FROM t WHERE id = %(id)s AND name = %(name)s AND kind = 'child' AND word LIKE %(word)s LIMIT 50"
VALUES = {
    "id": 17,
    "name": "O'Hara",
    "word": "%BAG%",
    "path": "a\\b",
    "child": "SB1",
    "parent": "SB2",
    "hash": "$s$15",
    "token": b"\x00\xff",
}


@pytest.fixture
def redaction():
    return PlanRedaction(Execution(STATEMENT, VALUES, frozenset({"word", "child", "parent"}), 1))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(id = 17)", "(id = :id)"),
        ("(name = 'O''Hara'::text)", "(name = :name::text)"),
        ("(word ~~* '%BAG%'::text)", "(word ~~* '%BAG%'::text)"),
        (r"(path = E'a\\b'::text)", "(path = :path::text)"),
        ("(kind = 'child'::text)", "(kind = 'child'::text)"),
        ("(qr_id = ANY ('{SB1,SB2}'::text[]))", "(qr_id = ANY ('{SB1,SB2}'::text[]))"),
        ("(name = ANY ('{O''Hara,SB2}'::text[]))", "(name = ANY ('***'::text[]))"),
        ("((name >= 'O'::text) AND (name < 'P'::text))", "((name >= '***'::text) AND (name < '***'::text))"),
        ("(hash = '$s$15'::text)", "(hash = :hash::text)"),
        (r"(token = '\x00ff'::bytea)", "(token = :token::bytea)"),
        ("(n = 50) AND (m = 170) AND (x17 = 1.17)", "(n = 50) AND (m = 170) AND (x17 = 1.17)"),
        ("(hashed SubPlan 17)", "(hashed SubPlan 17)"),
        ("bag_17_key", "bag_17_key"),
    ],
)
def test_a_text_shows_public_values_and_those_of_the_statement(redaction, text, shown):
    assert redaction.text(text) == shown


def test_all_texts_of_a_node_are_looked_at(redaction):
    node = {"depth": 17, "Filter": "(id = 17)", "Sort Key": ["a", "('O''Hara'::text)"], "Plan Rows": 17}
    assert redaction.node(node) == {
        "depth": 17, "Filter": "(id = :id)", "Sort Key": ["a", "(:name::text)"], "Plan Rows": 17,
    }  # fmt: skip


def test_an_error_has_no_value(redaction):
    assert redaction.message("invalid input: O'Hara, $s$15") == "invalid input: ***, ***"

"""Executions that an application recorded: the slowest of each statement, and lines that are none."""

import json

from loadgen.statement_executions import Execution, slowest


def line(statement, took_ns, **values):
    return json.dumps({"statement": statement, "values": values, "public": ["limit"], "took_ns": took_ns})


def test_the_slowest_execution_of_each_statement_is_read(tmp_path):
    path = tmp_path / "samples"
    path.write_text("\n".join([line("a", 3, limit=3), line("b", 9), line("a", 7, limit=7), line("a", 5, limit=5)]))
    assert {each.statement: each.values for each in slowest(path)} == {"a": {"limit": 7}, "b": {}}


def test_bytes_are_read_as_they_were_sent(tmp_path):
    path = tmp_path / "samples"
    path.write_text(
        "\n".join([line("a", 1, id={"hex": "00ff"}), line("b", 1, id={"other": 1}), line("c", 1, id={"hex": "x"})])
    )
    assert [(each.statement, each.values) for each in slowest(path)] == [("a", {"id": b"\x00\xff"})]


def test_lines_that_are_cut_off_or_something_else_are_left_out(tmp_path):
    path = tmp_path / "samples"
    texts = [line("a", 1), "7", "{}", '{"statement": 1}', "[" * 100_000, "\x00", line("b", 2)[:-5]]
    path.write_text("\n".join(texts))
    assert [each.statement for each in slowest(path)] == ["a"]


def test_without_a_file_there_is_none(tmp_path):
    assert slowest(tmp_path / "absent") == []


def test_values_that_are_not_public_are_not_shown():
    execution = Execution("", {"limit": 5, "word": "x" * 500, "name": "Ann"}, frozenset({"limit", "word"}), 1)
    assert execution.shown_values() == {"limit": "5", "word": "x" * 100, "name": "***"}


def test_public_values_of_another_execution_are_taken_in_their_type():
    execution = Execution("", {"limit": 5, "word": "a", "none": None, "id": 1, "cut": "x"},
                          frozenset({"limit", "word", "none", "cut"}), 1)  # fmt: skip
    shown = {"limit": "7", "word": "b", "none": "c", "id": "***", "cut": "y" * 100}
    assert execution.with_values(shown).values == {"limit": 7, "word": "b", "none": None, "id": 1, "cut": "x"}
    assert execution.with_values({"limit": "many"}).values == execution.values

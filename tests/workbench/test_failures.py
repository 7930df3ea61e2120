"""Kinds of failures in a line."""

import pytest

from workbench import failures


def test_kinds_text_names_the_most_frequent_and_counts_the_others():
    counts = [("status 500", 28), ("timeout", 2), ("reset", 1), ("login answered 200", 1)]
    assert failures.kinds_text(counts) == "28 × status 500, 2 × timeout, 1 × reset and 1 kind more"
    assert failures.kinds_text(counts, kinds=7, max_kinds=2) == "28 × status 500, 2 × timeout and 5 kinds more"
    assert failures.kinds_text(counts[:1]) == "28 × status 500"
    assert failures.kinds_text([]) == ""


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("a\nb\tc", "a b c"),
        ("\x1b[2Jgone", "gone"),
        ("postgresql://user:secret@db/x?password=other refused", "postgresql://user:***@db/x?password=*** refused"),
        ("", "no reason recorded"),
        ("\n", "no reason recorded"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
    ],
)
def test_short_is_one_line_that_a_terminal_obeys_nothing_of(kind, shown):
    assert failures.short(kind) == shown


def test_kinds_by_run_of_many_kinds_and_of_failures_without_a_reason(builder):
    recorded = builder.run()
    for number, row in enumerate(recorded.rows[:50]):
        row |= {"ok": False, "error": " " if number < 20 else f"item {number} not found"}
    (run,) = builder.experiment(recorded).runs
    (text,) = failures.kinds_by(run.rows, "run")["failure_kinds"]
    assert text == "20 × no reason recorded, 1 × item 20 not found, 1 × item 21 not found and 28 kinds more"

"""Lines of a table that are no rows: how many, which one is the first, and that they cost no row around them."""

import pytest

from analysis.imports import csv_lines
from analysis.imports.csv_lines import Removed
from tests.analysis.imports.result_files import HEADER, jtl, jtl_row

CUT = '1767225600000,20,open,500,Server Error,Users 1-1,text,false,"Test failed: text exp'
MESSAGE = 'expected "a,b",\n1767225600000,20,open,200,OK,Users 1-1,text,true,,1,1,1,1,http://localhost/,1,0,1\nend'

LINES = 'expected "a,b",\nbut was\nnothing'


def rows(number, **changes):
    return jtl([jtl_row(n, **changes) for n in range(number)], header=False)


def read(run):
    origin = run.record["imported"]
    return len(run.requests), origin["malformed"], origin["first_malformed_line"]


@pytest.mark.parametrize("line", ["Bestätigung, b", "C:\\temp\\xyz, b", "日本", "\\xff, \\"])
def test_a_malformed_line_may_have_any_letter(import_file, line):
    assert read(import_file(jtl([]) + rows(200) + line + "\n")) == (200, 1, 202)


def test_a_file_that_is_cut_off_within_a_name_of_any_letters_is_read(import_file):
    run = import_file((jtl([]) + rows(200, label="Bestätigung")).encode()[:-80])
    assert read(run) == (199, 1, 201)
    assert run.record["imported"]["truncated"]


@pytest.mark.parametrize("joined", ["\n", ""])
@pytest.mark.parametrize("message", ["", "short", LINES])
def test_a_message_that_is_cut_off_costs_its_line_only(import_file, joined, message):
    after = jtl([jtl_row(n, failureMessage=message if n % 3 == 0 else "") for n in range(301)], header=False)
    count, malformed, first = read(import_file(jtl([]) + rows(200) + CUT + joined + after))
    lost = 0 if joined else 1  # which stands in the line of the cut one
    assert (count, first) == (501 - lost, 202)
    assert malformed == 1 + lost * message.count("\n")


def test_a_message_that_is_never_ended_is_an_end_that_is_missing(import_file):
    run = import_file(jtl([]) + rows(200) + CUT)
    assert read(run) == (200, 1, 202)
    assert run.record["imported"]["truncated"]


def test_lines_of_a_malformed_row_are_counted_each(import_file):
    short = jtl([jtl_row(0, failureMessage="one\ntwo\nthree")], HEADER[:-1], header=False)
    assert read(import_file(jtl([]) + rows(300) + short)) == (300, 3, 302)


def test_the_first_malformed_line_is_that_of_the_file(import_file):
    messages = jtl([jtl_row(n, ok=False, failureMessage=MESSAGE) for n in range(100)])
    run = import_file(messages + rows(100) + "nonsense\n" + CUT + "\n" + rows(1))
    assert read(run) == (201, 2, 1 + 300 + 100 + 1)
    assert set(run.requests["error"].dropna()) == {MESSAGE}


def test_lines_that_were_removed_count_in_the_number_of_a_later_one(tmp_path):
    table = csv_lines.Table(tmp_path / "whole.csv", [Removed(1, 2, 0, 0), Removed(5, 1, 0, 0)], has_quotes=True)
    table.plain.write_text("line 3\nline 4\nline 6\n")
    assert [table.line_at(position) for position in (0, 7, 14)] == [3, 4, 6]


def test_a_quote_within_a_name_is_a_letter(import_file):
    run = import_file((jtl([]) + rows(3)).replace(",open,", ',5" disk,'))
    assert read(run) == (3, 0, None)
    assert set(run.requests["endpoint"]) == {'5" disk'}


def test_pieces_of_a_file_are_joined_where_a_field_goes_over_their_end(import_file, monkeypatch):
    monkeypatch.setattr("analysis.imports.csv_lines.PIECE_BYTES", 1_000)
    monkeypatch.setattr("analysis.imports.csv_lines.MAX_ROW_BYTES", 2_000)
    text = jtl([jtl_row(n, failureMessage=MESSAGE) for n in range(100)])
    assert read(import_file(text + CUT + "\n" + rows(200))) == (300, 1, 302)


def test_a_field_above_the_limit_of_a_row_is_malformed(import_file, monkeypatch):
    monkeypatch.setattr("analysis.imports.csv_lines.MAX_ROW_BYTES", 500)
    text = jtl([jtl_row(0, failureMessage="\n".join(["x" * 99] * 9))]) + rows(1_000)
    assert read(import_file(text)) == (1_000, 9, 2)


@pytest.mark.parametrize("first", ["\n", "\r\n"])
@pytest.mark.parametrize("message", ["", MESSAGE])
def test_line_ends_of_two_kinds_are_read(import_file, first, message):
    other = "\r\n" if first == "\n" else "\n"
    one = jtl([jtl_row(n) for n in range(100)]).replace("\n", first)
    two = jtl([jtl_row(n, failureMessage=message) for n in range(100)], header=False).replace("\n", other)
    assert read(import_file(one + two + "nonsense\n")) == (200, 1, two.count("\n") + 102)


def test_a_carriage_return_within_a_line_is_none_of_its_end(import_file):
    assert read(import_file(jtl([]) + rows(200) + rows(1).replace("open", "o\rpen"))) == (201, 0, None)


def test_a_header_with_a_mark_that_comes_again_is_no_malformed_line(import_file):
    text = ("\ufeff" + jtl([jtl_row(n) for n in range(100)])).replace("\n", "\r\n")
    assert read(import_file(text + text)) == (200, 0, None)


def test_a_large_file_with_rows_within_messages_is_read_from_its_first_row_on(import_file):
    """Several readers of parts of the file would each begin within a message."""
    message = "\n".join([MESSAGE, *["1767225600000,20,open,200,OK,u,text,true,,1,1,1,1,http://localhost/,1,0,1"] * 400])
    run = import_file(jtl([jtl_row(n, failureMessage=message) for n in range(2_300)]))
    assert run.record["imported"]["bytes"] > 2 * 32 * 1024 * 1024
    assert read(run) == (2_300, 0, None)

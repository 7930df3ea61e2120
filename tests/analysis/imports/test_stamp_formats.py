"""Time stamps of tables: one format for a file, and the unit that they have to be in."""

from datetime import UTC, datetime, timedelta

import pytest

from analysis.imports import stamp_formats
from tests.analysis.imports.result_files import START_MS, jtl, jtl_row
from workbench.imported import SENDS

EVENING = datetime(2026, 11, 12, 23, 59, 50)
FORMATS = {
    "yyyy/MM/dd HH:mm:ss.SSS": "%Y/%m/%d %H:%M:%S.%f",
    "yyyy-MM-dd HH:mm:ss,SSS": "%Y-%m-%d %H:%M:%S,%f",
    "yyyy-MM-ddTHH:mm:ss": "%Y-%m-%dT%H:%M:%S",
    "yyyy-MM-ddTHH:mm:ss.SSS": "%Y-%m-%dT%H:%M:%S.%f",
    "yyyy-MM-ddTHH:mm:ss,SSSZ": "%Y-%m-%dT%H:%M:%S,%fZ",
    "MM/dd/yyyy HH:mm:ss": "%m/%d/%Y %H:%M:%S",
    "MM/dd/yyyy hh:mm:ss a": "%m/%d/%Y %I:%M:%S %p",
    "MM/dd/yy HH:mm:ss": "%m/%d/%y %H:%M:%S",
    "dd/MM/yyyy HH:mm:ss": "%d/%m/%Y %H:%M:%S",
    "dd/MM/yyyy HH:mm:ss.SSS": "%d/%m/%Y %H:%M:%S.%f",
    "dd/MM/yy HH:mm:ss": "%d/%m/%y %H:%M:%S",
    "dd.MM.yyyy HH:mm:ss": "%d.%m.%Y %H:%M:%S",
}


def stamped(pattern, first=EVENING, step=timedelta(seconds=1), number=20):
    """A table with stamps of this format, beginning at an instant."""
    stamps = [(first + step * n).strftime(pattern) for n in range(number)]
    return jtl([jtl_row(n, timeStamp=stamp) for n, stamp in enumerate(stamps)])


def notes(run):
    return " ".join(run.record["imported"]["notes"])


@pytest.mark.parametrize(("shown", "pattern"), FORMATS.items())
def test_every_format_gives_the_instants_over_midnight_and_is_named(import_file, shown, pattern):
    """The first ten stamps are of 12 November, the others of the 13th: with day and month exchanged they are none."""
    run = import_file(stamped(pattern))
    assert list(run.requests["start_ms"]) == [1000 * n for n in range(20)]
    assert run.record["started"] == "2026-11-12T23:59:50.000Z"
    assert f"are taken as {shown}, as UTC" in notes(run)
    assert "fits as well" not in notes(run)


def test_an_offset_is_taken_off(import_file):
    run = import_file(stamped("%Y-%m-%dT%H:%M:%S.%f+02:00"))
    assert run.record["started"] == "2026-11-12T21:59:50.000Z"
    assert "with their offsets" in notes(run)


@pytest.mark.parametrize("pattern", ["%d/%m/%Y %H:%M:%S", "%d/%m/%y %H:%M:%S"])
def test_days_follow_one_another_where_months_would_as_well(import_file, pattern):
    run = import_file(stamped(pattern, datetime(2026, 3, 1), timedelta(hours=7)))
    assert run.record["started"] == "2026-03-01T00:00:00.000Z"
    assert list(run.requests["start_ms"]) == [7 * 3_600_000 * n for n in range(20)]


def test_a_row_far_below_decides_on_the_format(import_file):
    stamps = ["05/04/2026 00:00:00"] * 2_000 + ["13/04/2026 00:00:00"]
    run = import_file(jtl([jtl_row(n, timeStamp=stamp) for n, stamp in enumerate(stamps)]))
    assert run.record["started"] == "2026-04-05T00:00:00.000Z"
    assert run.record["imported"]["malformed"] == 0


def test_what_nothing_speaks_for_is_taken_with_a_note(import_file):
    run = import_file(stamped("%m/%d/%y %H:%M:%S", datetime(2026, 11, 12, 10)))
    assert run.record["started"] == "2026-11-12T10:00:00.000Z"
    assert "day and month fits as well" in notes(run)


@pytest.mark.parametrize("stamp", ["23:59:50", "Thu Nov 12 2026", "0026/01/01 00:00:00.000"])
def test_an_unknown_format_is_refused_with_a_stamp(refused, stamp):
    refused(jtl([jtl_row(n, timeStamp=stamp) for n in range(20)]), repr(stamp), "timestamp_format=ms")


def test_a_stamp_of_another_format_is_malformed(import_file):
    rows = [jtl_row(n, timeStamp=f"2026/01/01 00:0{n // 60}:{n % 60:02}.250") for n in range(200)]
    run = import_file(jtl([*rows, jtl_row(5)]))
    assert (run.record["imported"]["malformed"], run.record["imported"]["first_malformed_line"]) == (1, 202)


@pytest.mark.parametrize("factor", [0.001, 1_000, 1_000_000])
def test_stamps_in_another_unit_are_refused_with_their_year(refused, factor):
    rows = [jtl_row(n, timeStamp=int((START_MS + 1_000 * n) * factor)) for n in range(20)]
    refused(jtl(rows), "time stamps of the year", "another unit")


@pytest.mark.parametrize("stamp", ["", "0", "9223372036854775807", "-9223372036854775807"])
def test_an_odd_stamp_costs_its_request_only(import_file, stamp):
    run = import_file(jtl([*(jtl_row(n) for n in range(200)), jtl_row(200, timeStamp=stamp)]))
    assert len(run.requests) == 200
    assert (run.record["imported"]["malformed"], run.is_valid()) == (1, True)
    assert "1 malformed line was left out" in run.notes()
    assert "1 requests have no time stamp of their run" in notes(run)


def test_a_table_without_a_single_stamp_does_not_know_its_sends(import_file):
    run = import_file(jtl([jtl_row(n, timeStamp="") for n in range(20)]))
    assert run.record["imported"]["unknown"] == [SENDS]
    assert len(run.requests) == 20


def test_candidates_read_what_they_write():
    """Each format is found by itself, so that none of them is there in vain."""
    instant = datetime(2026, 11, 25, 13, 14, 15, 678_000, UTC)
    for pattern in stamp_formats.CANDIDATES:
        format_of_it = stamp_formats.chosen([instant.strftime(pattern)], lambda _: [0, 0, 0] * 9)
        assert format_of_it, pattern

"""Files of a worker, as the run takes them."""

from hashlib import sha256

import pytest

from loadgen.hosts.joined_host import file_names
from loadgen.hosts.received_files import ReceivedFiles

STREAM, SUMMARY = "requests-host-0.arrows", "generator-0.json"


@pytest.fixture
def files(tmp_path):
    received = ReceivedFiles(tmp_path, file_names(0, range(1)))
    yield received
    received.close(is_whole=False)


def description(content):
    return {"bytes": len(content), "sha256": sha256(content).hexdigest()}


def test_a_part_that_does_not_follow_is_left_out_and_its_place_is_answered(files):
    assert [files.add(STREAM, 0, b"abc"), files.add(STREAM, 9, b"x"), files.add(STREAM, 0, b"abc")] == [3, 3, 3]
    assert files.add(STREAM, 3, b"de") == 5
    assert files.incomplete({STREAM: description(b"abcde")}) == []


@pytest.mark.parametrize("name", ["../run.json", "run.json", "requests-host-1.arrows", "/etc/passwd", 7, None])
def test_a_file_that_is_not_the_workers_own_is_not_written(files, tmp_path, name):
    assert files.add(name, 0, b"x") is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_already_is_not_replaced(files, tmp_path):
    (tmp_path / SUMMARY).symlink_to(tmp_path / "elsewhere")
    assert files.add(SUMMARY, 0, b"x") is None
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("expected", [{}, {STREAM: description(b"abX")}, {STREAM: description(b"ab")}])
def test_a_file_that_is_not_as_it_was_is_named(files, expected):
    files.add(STREAM, 0, b"abc")
    assert files.incomplete(expected) == [STREAM]


def test_a_stream_stays_without_its_end_and_another_file_only_as_a_whole(files, tmp_path):
    files.add(STREAM, 0, b"rows")
    files.add(SUMMARY, 0, b"{")
    files.close(is_whole=False)
    assert [path.name for path in tmp_path.iterdir()] == [STREAM]

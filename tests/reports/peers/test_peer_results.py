"""Results of a bench against peers: written and read back, and refused in a line where they are none."""

import json

import pytest

from reports.peers import peer_results
from tests.peer_benches import bench
from workbench.errors import RecordingError


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """The folder of all data."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    return tmp_path


def stored(results):
    """The results as they are read from disk."""
    peer_results.write(results)
    return peer_results.read(results.bench)


def test_results_are_read_as_they_were_written():
    results = bench()
    read = stored(results)
    assert (read.capacity, read.accuracy, read.pages) == (results.capacity, results.accuracy, results.pages)
    assert len(read.sha256) == 64
    assert peer_results.seal_problem(read) == ""


def test_changed_results_do_not_fit_their_seal(data):
    results = stored(bench())
    path = data / "bench" / results.bench / "peers.json"
    path.write_text(path.read_text().replace('"requests": 60000', '"requests": 90000', 1))
    assert peer_results.seal_problem(peer_results.read(results.bench)) == "peers.json was changed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("capacity", "many"),
        ("settings", {}),
        ("started", "yesterday"),
        ("bench", "another"),
        ("format", 2),
        ("more", 1),
    ],
)
def test_another_shape_is_a_line_with_the_place(data, name, value):
    results = stored(bench())
    path = data / "bench" / results.bench / "peers.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(
        RecordingError, match=r"holds no results of a bench against peers \(.*\); measure again"
    ) as raised:
        peer_results.read(results.bench)
    assert "\n" not in str(raised.value)
    assert peer_results.read_all() == ([], [str(raised.value)])


@pytest.mark.parametrize("name", ["../elsewhere", "", "a/b"])
def test_a_name_that_leads_elsewhere_is_no_bench(name):
    with pytest.raises(RecordingError, match="is no id of a bench"):
        peer_results.read(name)


def test_without_a_bench_the_command_is_named():
    with pytest.raises(RecordingError, match="python -m bench peers measures one"):
        peer_results.newest()

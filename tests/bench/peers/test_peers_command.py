"""The command of the comparison: pages of few rows for real, its help, and what is wrong with what it is given."""

import re
import subprocess
import sys

import pytest

from bench.peers import page_makers, peers_command
from reports.peers import peer_results
from workbench.errors import UserError
from workbench.paths import REPOSITORY


def run(*arguments):
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)


def test_help_has_the_options_and_measures_nothing():
    finished = run("peers", "--help")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("Usage: python -m bench peers [OPTIONS] [PART]...")


def test_an_unknown_part_is_refused_in_a_line():
    finished = run("peers", "everything")
    assert finished.returncode == 2
    assert "'everything' is not one of 'capacity', 'accuracy', 'pages'" in finished.stderr
    assert finished.stdout == ""


def test_pages_are_compared_and_written_with_the_index(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TRACETRACK_MACHINE_LOCK", "peers-test")
    monkeypatch.setattr(page_makers, "ROWS", (2_000,))
    peers_command.main(["pages", "--rounds", "1", "--output", str(tmp_path / "html")], standalone_mode=False)
    results = peer_results.read(peer_results.newest())
    assert results.status == "complete"
    assert {page.maker for page in results.pages} >= {"workbench", "pandas", "locust"}
    assert [page.problem for page in results.pages] == [""] * len(results.pages)
    assert all(page.rows == 2_000 and page.seconds > 0 and page.peak_mib > 20 for page in results.pages)
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "html" / "peers.html")
    index = (tmp_path / "html" / "index.html").read_text()
    assert re.findall(r'href="(peers-[^"]*)"', index) == [f"peers-{results.bench}.html"]


def test_without_npm_nothing_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    with pytest.raises(UserError, match="leave --install out"):
        peers_command.main(["--install"], standalone_mode=False)
    assert not (tmp_path / "bench").exists()

"""The command of the bench: its help and its choice of parts, without any measurement."""

import subprocess
import sys

import pytest

from bench.__main__ import PARTS, PEERS, main
from workbench.paths import REPOSITORY


def run(*arguments):
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)


@pytest.fixture
def measured(monkeypatch):
    """The names of the parts that the command measures."""
    names = []
    for name, module in PARTS.items():
        monkeypatch.setattr(module, "main", lambda name=name: names.append(name))
    return names


def test_help_lists_every_part_and_measures_nothing():
    finished = run("--help")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert all(f"  {name} " in finished.stdout for name in (*PARTS, PEERS))


def test_unknown_part_is_refused_with_the_known_ones():
    finished = run("everything")
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "'everything' is not one of 'recorder'" in finished.stderr


def test_all_parts_are_measured_by_default(measured):
    main([], standalone_mode=False)
    assert measured == list(PARTS)


def test_named_parts_are_measured_in_the_order_of_the_table(measured):
    main(["proxy", "recorder"], standalone_mode=False)
    assert measured == ["recorder", "proxy"]


@pytest.mark.parametrize(
    "module",
    [
        "bench.recorded_user", "bench.report_views", "bench.peers.timed_server", "bench.peers.command_usage",
        "bench.peers.pandas_page", "bench.peers.polars_page", "bench.peers.locust_page", "loadgen.proxy",
    ],
)  # fmt: skip
def test_help_of_a_helper_command_does_nothing_else(module):
    finished = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert finished.returncode == 0
    assert finished.stdout.startswith(f"Usage: python -m {module} [OPTIONS]")

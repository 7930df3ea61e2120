"""A small disk over a folder: it can be filled, is seen by this process only, and what it has stays."""

import subprocess
import sys

import pytest

from loadgen.fault_needs import small_disk

# In a process of its own, as mounts of its own stay with a process to its end.
SCRIPT = """
import subprocess, sys
from pathlib import Path
from loadgen.fault_needs import small_disk

folder = Path(sys.argv[1])
with small_disk.over(folder, 1):
    (folder / "first").write_text("kept")
    small_disk.fill(folder)
    try:
        (folder / "second").write_bytes(bytes(65536))
    except OSError as error:
        print(error.strerror)
    (folder / "second").unlink()
    if sys.argv[2] == "emptied":
        small_disk.empty(folder)
        (folder / "third").write_bytes(bytes(65536))
    print("go on", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def _may_mount():
    if reason := small_disk.missing():
        pytest.skip(reason)


@pytest.mark.parametrize(("how", "kept"), [("full", {"first"}), ("emptied", {"first", "third"})])
def test_disk_is_full_until_it_is_emptied_and_what_it_has_stays_in_the_folder(tmp_path, how, kept):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "No space left on device\n"
        assert process.stdout.readline() == "go on\n"
        assert list(tmp_path.iterdir()) == []  # others see the folder without the disk
        process.communicate("\n")
    assert process.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert (tmp_path / "first").read_text() == "kept"

"""Temporary folders: private, gone after the block, and removed for processes that were killed."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from workbench.temporary_folder import temporary_folder

HOLD = """
import sys, time
from workbench.temporary_folder import temporary_folder
with temporary_folder("test") as folder:
    (folder / "secret").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_folder_is_private_and_gone_after_the_block(tmp_path):
    with temporary_folder("test") as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_goes_also_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), temporary_folder("test"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_locked_yet_stays(tmp_path):
    created = tempfile.mkdtemp(prefix="tracetrack-locked-test-")
    with temporary_folder("test"):
        assert os.path.exists(created)


def test_the_folder_of_a_killed_process_is_removed_by_the_next_one_and_that_of_a_living_one_is_not(tmp_path):
    killed, living = (
        subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True, env={**os.environ})
        for _ in range(2)
    )
    try:
        left_over, kept = (process.stdout.readline().strip() for process in (killed, living))
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        link = tmp_path / "tracetrack-locked-test-link"
        link.symlink_to(tmp_path)
        os.utime(link, (0, 0), follow_symlinks=False)
        for folder in (left_over, kept):
            os.utime(folder, (0, 0))
        with temporary_folder("test"):
            assert not os.path.exists(left_over)
            assert os.path.exists(f"{kept}/secret")
        assert link.is_symlink()
    finally:
        for process in (killed, living):
            process.kill()
            process.wait()
            process.stdout.close()

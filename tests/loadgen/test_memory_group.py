"""Memory groups: real ones where this machine permits them, and the files of version 2 as the kernel documents them."""

import os
import subprocess
import sys

import pytest

from loadgen.memory import cgroup_hierarchy, left_over_groups, memory_group
from loadgen.memory.cgroup_hierarchy import V2, Hierarchy
from loadgen.memory.memory_group import LIMITED, MIB, NotPermitted, new_group
from loadgen.memory.memory_watch import MemoryWatch
from tests.loadgen.memory_fixtures import require_groups
from workbench.polling import attempts

ALLOCATE = "import sys; block = bytearray(int(sys.argv[1])); print('allocated', flush=True); sys.stdin.read()"


@pytest.fixture
def groups():
    require_groups()


def allocate(group, mib):
    """A process in the group that allocates so much and then waits."""
    return subprocess.Popen(
        [sys.executable, "-S", "-c", ALLOCATE, str(mib * MIB)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=group.join,
    )


@pytest.mark.usefixtures("groups")
def test_group_counts_what_its_process_allocates_and_is_gone_afterwards():
    with new_group(256) as group:
        with allocate(group, 64) as process:
            assert process.stdout.readline() == "allocated\n"
            assert group.contains(process.pid)
            assert group.pids() == {process.pid}
            assert 64 * MIB < group.anonymous_bytes() <= group.usage_bytes() <= group.peak_bytes() < 128 * MIB
            process.stdin.close()
        assert (process.returncode, group.kills()) == (0, 0)
    assert not group.path.exists()


@pytest.mark.usefixtures("groups")
def test_process_beyond_the_limit_is_ended_and_named():
    with new_group(32) as group:
        assert group.swap in (LIMITED, memory_group.NONE, memory_group.NOT_LIMITED)
        with allocate(group, 4) as survivor, allocate(group, 0) as waiting:
            survivor.stdout.readline()
            waiting.stdout.readline()
            watch = MemoryWatch(group, survivor.pid)
            watch.read(1_000, {})
            with allocate(group, 96) as greedy:
                watch.read(2_000, {greedy.pid: 3})
                assert greedy.wait(20) == -9
            for _ in attempts(5, 0.01):
                watch.read(3_000, {})
                if not group.contains(greedy.pid):
                    break
            (kill,) = watch.kills(4_000)
            assert (kill.pid, kill.process, kill.worker) == (greedy.pid, "worker", 3)
            assert kill.at_us in (2_000, 3_000)
            assert survivor.poll() is None
            survivor.stdin.close()
            waiting.stdin.close()
        assert group.kills() == 1
    assert not group.path.exists()


@pytest.mark.usefixtures("groups")
def test_group_of_a_killed_process_is_removed_at_the_next_start():
    script = (
        "from loadgen.memory.memory_group import new_group\n"
        "with new_group(64) as group:\n"
        "    print(group.path, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        left_over = process.stdout.readline().strip()
        with new_group(0):
            assert os.path.exists(left_over)
        process.kill()
    with new_group(0) as group:
        assert group.path.exists()
        assert not os.path.exists(left_over)


def test_files_that_are_no_group_of_a_workbench_are_kept(tmp_path):
    (tmp_path / "tracetrack-of-the-user").mkdir()
    (tmp_path / "tracetrack-1-2-3").mkdir()
    left_over_groups.remove(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tracetrack-of-the-user"]


@pytest.fixture
def unified(tmp_path):
    """A folder with the files that a version 2 hierarchy has, the group of this process below it."""
    own = tmp_path / "session"
    own.mkdir()
    for folder in (tmp_path, own):
        (folder / "cgroup.subtree_control").write_text("cpu memory\n")
    return Hierarchy(V2, tmp_path, own)


def with_files(monkeypatch, folder_files):
    """Have each new folder start with these files, as the kernel's file system does."""
    made = memory_group.Path.mkdir

    def mkdir(path, *arguments, **options):
        made(path, *arguments, **options)
        for name, content in folder_files.items():
            (path / name).write_text(content)

    monkeypatch.setattr(memory_group.Path, "mkdir", mkdir)


FILES_OF_V2 = {
    "memory.current": "1048576\n", "memory.max": "max\n", "memory.swap.max": "max\n", "memory.peak": "2097152\n",
    "memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n", "memory.stat": "anon 524288\nfile 0\n",
    "cgroup.procs": "41\n42\n",
}  # fmt: skip


def test_version_2_reads_and_limits_by_its_own_files(unified, monkeypatch):
    monkeypatch.setattr(memory_group.MemoryGroup, "remove", lambda group: None)
    with_files(monkeypatch, FILES_OF_V2)
    with new_group(512, unified) as group:
        assert group.path.parent == unified.own
        assert (group.path / "memory.max").read_text() == str(512 * MIB)
        assert (group.path / "memory.swap.max").read_text() == "0"
        assert (group.usage_bytes(), group.peak_bytes(), group.anonymous_bytes()) == (MIB, 2 * MIB, MIB // 2)
        assert (group.kills(), group.pids(), group.swap) == (1, {41, 42}, LIMITED)
        group.join()
        assert (group.path / "cgroup.procs").read_text() == "0"


def test_version_2_uses_the_group_above_where_its_own_cannot_hand_memory_on(unified, monkeypatch):
    monkeypatch.setattr(memory_group.MemoryGroup, "remove", lambda group: None)
    (unified.own / "cgroup.subtree_control").unlink()
    with_files(monkeypatch, {name: text for name, text in FILES_OF_V2.items() if name != "memory.peak"})
    with new_group(0, unified) as group:
        assert group.path.parent == unified.mount
        assert (group.path / "memory.max").read_text() == "max\n"
        assert group.peak_bytes() is None


def test_group_without_the_controller_is_not_permitted(unified):
    """The folder can be made, but the kernel puts no files of memory into it."""
    reason = r"no control group for memory can be made below .*session: No such file"
    with pytest.raises(NotPermitted, match=reason), new_group(512, unified):
        pass
    assert [path.name for path in unified.own.iterdir()] == ["cgroup.subtree_control"]


def test_system_without_groups_is_not_permitted(monkeypatch):
    monkeypatch.setattr(cgroup_hierarchy, "find", lambda: None)
    with pytest.raises(NotPermitted, match="shows no control groups"), new_group(512):
        pass

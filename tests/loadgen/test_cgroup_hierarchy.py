"""The memory controller is found by what the kernel shows of mounts and groups, in both versions."""

from pathlib import Path

import pytest

from loadgen.memory import cgroup_hierarchy
from loadgen.memory.cgroup_hierarchy import V1, V2, Hierarchy

BOTH_MOUNTED = """\
31 23 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw
34 23 0:30 / /sys/fs/cgroup/cpu rw,nosuid - cgroup cgroup rw,cpu
36 23 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:17 - cgroup cgroup rw,memory
"""
UNIFIED = "31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
CONTAINER = "31 23 0:27 /docker/3f /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"


@pytest.mark.parametrize(
    ("mounts", "membership", "found"),
    [
        (
            BOTH_MOUNTED,
            "5:cpu:/a\n4:memory:/jobs/7\n0::/\n",
            Hierarchy(V1, Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup/memory/jobs/7")),
        ),
        (
            UNIFIED,
            "0::/user.slice/user-1000.slice/session-2.scope\n",
            Hierarchy(V2, Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope")),
        ),
        (CONTAINER, "0::/docker/3f\n", Hierarchy(V2, Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup"))),
        (UNIFIED, "0::/\n", Hierarchy(V2, Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup"))),
        ("22 1 0:5 / /proc rw - proc proc rw\n", "0::/\n", None),
        ("", "", None),
    ],
    ids=["version 1", "version 2", "container", "root group", "not mounted", "nothing"],
)
def test_parse_finds_the_group_of_the_process(mounts, membership, found):
    assert cgroup_hierarchy.parse(mounts, membership) == found


def test_parents_of_version_2_are_the_own_group_and_the_one_above():
    """A group that has processes cannot hand its memory on."""
    mount = Path("/sys/fs/cgroup")
    assert Hierarchy(V2, mount, mount / "a/b").parents() == [mount / "a/b", mount / "a"]
    assert Hierarchy(V2, mount, mount).parents() == [mount]
    assert Hierarchy(V1, mount, mount / "a/b").parents() == [mount / "a/b"]


def test_find_on_a_system_without_proc_finds_none(monkeypatch, tmp_path):
    monkeypatch.setattr(cgroup_hierarchy, "MOUNTS", tmp_path / "none")
    assert cgroup_hierarchy.find() is None


def test_counts_leaves_out_lines_that_are_no_counts():
    assert cgroup_hierarchy.counts("low 0\noom_kill 3\nsome total=1 x\n") == {"low": 0, "oom_kill": 3}

"""The generator's CPU priority, set in processes of their own because it cannot be taken back."""

import os
import platform
import re
import subprocess
import sys

import pytest

from loadgen.generator import cpu_priority

KERNEL = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
SHORTEN_SLICE = """
import ctypes, os
from loadgen.generator import cpu_priority
granted, now = cpu_priority.shorten_slice(), cpu_priority.Attributes()
ctypes.CDLL(None).syscall(cpu_priority.SET_ATTRIBUTES[%r] + 1, 0, ctypes.byref(now), ctypes.sizeof(now), 0)
print(granted, now.runtime, now.policy, now.nice)
"""


def attributes_after_shortening(nice=0):
    code = SHORTEN_SLICE % platform.machine()
    return subprocess.check_output([sys.executable, "-c", code], text=True, preexec_fn=lambda: os.nice(nice)).split()


@pytest.mark.skipif(
    KERNEL < (6, 12) or platform.machine() not in cpu_priority.SET_ATTRIBUTES, reason="Linux heeds it from 6.12 on"
)
def test_shorten_slice_changes_the_slice_and_keeps_policy_and_nice():
    granted, slice_ns, policy, nice = attributes_after_shortening(nice=3)
    assert (granted, int(slice_ns)) == ("True", cpu_priority.SLICE_NS)
    assert (int(policy), int(nice) - os.getpriority(os.PRIO_PROCESS, 0)) == (os.SCHED_OTHER, 3)


RAISE_BOTH = """
import os
from loadgen.generator import cpu_priority
granted = cpu_priority.raise_both()
group = open("/proc/self/autogroup").read().split() if os.path.exists("/proc/self/autogroup") else []
print(granted["raised"], os.getpriority(os.PRIO_PROCESS, 0), group[-1] if group else "none")  # no session, no group
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may raise a priority")
def test_raise_priority_as_root_raises_process_and_session_group():
    output = subprocess.check_output([sys.executable, "-c", RAISE_BOTH], text=True, start_new_session=True).split()
    assert output[:2] == ["True", str(cpu_priority.MAX_PRIORITY)]
    assert output[2] in (str(cpu_priority.MAX_PRIORITY), "none")


def test_raise_priority_without_permission_changes_nothing():
    drop = "import os\nfrom loadgen.generator import cpu_priority\nif not os.geteuid(): os.setgid(1), os.setuid(1)\n"
    output = subprocess.check_output([sys.executable, "-c", drop + RAISE_BOTH], text=True).split()
    assert output[:2] == ["False", str(os.getpriority(os.PRIO_PROCESS, 0))]


def test_shorten_slice_without_the_system_call_is_not_granted(monkeypatch):
    monkeypatch.setattr(cpu_priority.platform, "machine", lambda: "a machine of another kind")
    assert cpu_priority.shorten_slice() is False

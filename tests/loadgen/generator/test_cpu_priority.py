"""The generator's short turns on the processor, in processes of their own because they stay."""

import os
import platform
import re
import subprocess
import sys

import pytest

from loadgen.generator import cpu_priority

KERNEL = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
ASK = """
import ctypes, os
from loadgen.generator import scheduling as asked
took, now = asked.shorten_slice(), asked.Attributes()
ctypes.CDLL(None).syscall(asked.SET_ATTRIBUTES[%r] + 1, 0, ctypes.byref(now), ctypes.sizeof(now), 0)
print(took, now.runtime, now.policy, now.nice)
"""


def asked(nice=0):
    code = ASK % platform.machine()
    return subprocess.check_output([sys.executable, "-c", code], text=True, preexec_fn=lambda: os.nice(nice)).split()


@pytest.mark.skipif(
    KERNEL < (6, 12) or platform.machine() not in cpu_priority.SET_ATTRIBUTES, reason="Linux heeds it from 6.12 on"
)
def test_the_kernel_has_the_short_slice_and_what_was_there_before():
    took, slice_ns, policy, nice = asked(nice=3)
    assert (took, int(slice_ns)) == ("True", cpu_priority.SLICE_NS)
    assert (int(policy), int(nice) - os.getpriority(os.PRIO_PROCESS, 0)) == (os.SCHED_OTHER, 3)


RAISE = """
import os
from loadgen.generator import scheduling
took = scheduling.come_first()
said = open("/proc/self/autogroup").read().split() if os.path.exists("/proc/self/autogroup") else []
print(took["raised"], os.getpriority(os.PRIO_PROCESS, 0), said[-1] if said else "none")  # no session, no group
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may raise a priority")
def test_root_goes_before_the_system_under_test_with_its_group_too():
    said = subprocess.check_output([sys.executable, "-c", RAISE], text=True, start_new_session=True).split()
    assert said[:2] == ["True", str(cpu_priority.HIGHEST)]
    assert said[2] in (str(cpu_priority.HIGHEST), "none")


def test_who_may_not_goes_on_as_before():
    drop = "import os\nfrom loadgen.generator import scheduling\nif not os.geteuid(): os.setgid(1), os.setuid(1)\n"
    said = subprocess.check_output([sys.executable, "-c", drop + RAISE], text=True).split()
    assert said[:2] == ["False", str(os.getpriority(os.PRIO_PROCESS, 0))]


def test_where_the_kernel_has_no_such_call_nothing_changes(monkeypatch):
    monkeypatch.setattr(cpu_priority.platform, "machine", lambda: "a machine of another kind")
    assert cpu_priority.shorten_slice() is False

"""Memory groups where this machine permits them."""

import pytest

from loadgen.memory import memory_group
from loadgen.memory.memory_group import NotPermitted


def require_groups():
    """Skip the test where no group with a limit can be made."""
    try:
        with memory_group.new_group(64):
            pass
    except NotPermitted as error:
        pytest.skip(f"no memory groups here: {error}")

"""The number of this worker among those of the deployment: its slot in the metrics, and its name in the log."""

import os

from .settings import PREFIX

VARIABLE = f"{PREFIX}WORKER"


def worker_number() -> int:
    """The number of this process; 0 where no server assigned one."""
    return int(os.environ.get(VARIABLE, 0))


def assign_worker_number(number: int) -> None:
    """Set the number of this process, to be called in each worker after its fork."""
    os.environ[VARIABLE] = str(number)

"""What a named deployment is: the settings in which it differs from another one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAX_CORES = 8  # as far as the server's connections reach
CORES = min(MAX_CORES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class PerCore(NamedTuple):
    """A setting whose value depends on the machine: `each` for every core, and `extra`."""

    each: int
    extra: int = 0

    def value(self, cores: int) -> int:
        return self.each * cores + self.extra

    def __str__(self) -> str:
        cores = "cores" if self.each == 1 else f"{self.each} × cores"
        return f"{cores} + {self.extra}" if self.extra else cores


@dataclass(frozen=True)
class Deployment:
    """A deployment in one sentence, and the settings in which it differs from the deployment `parent`.

    An empty `parent` stands for the defaults of `Settings`.
    """

    description: str
    parent: str
    changes: Mapping[str, Any] = field(default_factory=dict)

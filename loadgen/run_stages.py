"""The stages of a run: how long each of its parts takes, of which only one is the load."""

import time

LOAD = "load"  # from the start signal to the end of the generator


class RunStages:
    """The seconds of each stage so far, by name in their order (`seconds`); a stage lasts until the next one begins.

    Example: `RunStages("clone")`, and `begin("application")` 0.4 s later: `seconds` is {"clone": 0.4}.
    """

    def __init__(self, first: str) -> None:
        self.seconds: dict[str, float] = {}
        self._name = first
        self._since_s = time.monotonic()

    def begin(self, name: str) -> None:
        """Begin a stage, which ends the one before; an empty name ends it and begins none."""
        now_s = time.monotonic()
        if self._name:
            self.seconds[self._name] = round(self.seconds.get(self._name, 0.0) + now_s - self._since_s, 4)
        self._name, self._since_s = name, now_s

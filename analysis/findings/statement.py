"""A statement of the published report that is checked on the runs of an experiment."""

from collections.abc import Callable
from dataclasses import dataclass

from workbench.recording import Experiment

from .finding import Claim, Finding

Check = Callable[[Claim], Finding]


@dataclass(frozen=True)
class Statement:
    """One statement, with the kind of its finding and the check that evaluates it."""

    kind: str
    id: str
    text: str
    check: Check

    def evaluate(self, experiment: Experiment) -> Finding:
        """The finding of this statement on an experiment."""
        return self.check(Claim(experiment, self.kind, self.id, self.text))

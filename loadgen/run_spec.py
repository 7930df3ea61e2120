"""The specification of one run: a deployment under a scenario, and its place in an experiment."""

from dataclasses import dataclass, field

from . import dataset, deployments, scenario_changes, scenarios
from .scenarios import Scenario


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One run to carry out. `block` and `position` are its place in the plan of an experiment, counted from 0.

    `arm` is the name of the arm in an experiment that compares checkouts, commands or URLs: it stands in the record in
    the place of the deployment.

    A baseline runs two times in a block; `replicate` marks one of the two runs, and either may come first. `repeat`
    counts how often a disturbed run was made before. `declared` is the scenario itself where a user declares it.
    `changes` are fields that replace those of the scenario, see `scenario_changes.override`.
    """

    deployment: str
    scenario: str
    scale: str
    seed: int
    port: int | None = None
    changes: dict = field(default_factory=dict)
    processes: int = 1
    block: int = 0
    position: int = 0
    replicate: bool = False
    repeat: int = 0
    arm: str = ""
    declared: Scenario | None = None

    @property
    def name(self) -> str:
        """What was put under load, as records name it: the arm, or the deployment."""
        return self.arm or self.deployment

    def load(self) -> Scenario:
        """The scenario with the changes applied. Raises `UserError` for an unknown name or a bad change."""
        return scenario_changes.override(self.declared or scenarios.find(self.scenario), **self.changes)

    def check(self) -> None:
        """Raise `UserError` for a name that does not exist, before any process is started."""
        deployments.settings_for(self.deployment)
        self.load()
        dataset.find_scale(self.scale)


def run_name(spec: RunSpec) -> str:
    """The folder of a run within its experiment, as in `1-09-tuned-burst-50` or `1-09-tuned-burst-50-repeat-1`."""
    name = f"{spec.block + 1}-{spec.position + 1:02d}-{spec.name}-{spec.scenario}"
    marks = ("replicate" if spec.replicate else "", f"repeat-{spec.repeat}" if spec.repeat else "")
    return "-".join([name, *filter(None, marks)])

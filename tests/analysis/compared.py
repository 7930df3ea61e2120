"""A recorded comparison of arms whose content is known."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tests.builders import Builder
from workbench.arms import BURST_50, TUNED
from workbench.recording import Experiment

SOURCE = {"kind": "checkout", "folder": "/somewhere", "commit": "a" * 40, "dirty": False, "changes": None,
          "schema": "0123"}  # fmt: skip


def compared(
    builder: Builder,
    slower: Mapping[str, float],
    *,
    blocks: int = 4,
    metrics: Sequence[str] = ("makespan_s", "reads_p95_ms"),
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    invalid: Collection[str | tuple[str, int]] = (),
    declared: Mapping[str, Any] | None = None,
    replicates: Sequence[float] = (1.0,),
    scenario: str = BURST_50,
) -> Experiment:
    """An experiment with an arm for each name, whose requests take so many times the time of tuned.

    `invalid` names the arms whose runs are not valid, or (arm, block) for those of a block. `declared` has more of what
    a file declares: `success`, `objectives`. `replicates` are the times of the A/A replicates over those of their
    pairs, block by block and then from the start.
    """
    by_arm = {name: {**SOURCE, **(sources or {}).get(name, {})} for name in slower}
    baseline, *candidates = slower
    runs = []
    for block in range(blocks):
        for name, factor in slower.items():
            for replicate in (False, True) if name == baseline else (False,):
                noise = 1 + 0.002 * ((block + len(runs)) % 3)
                noise *= replicates[block % len(replicates)] if replicate else 1
                run = builder.run(TUNED, scenario, block=block, replicate=replicate, slower=factor * noise)
                run.record["deployment"] |= {"name": name, "source": by_arm[name]}
                runs.append(run.invalid() if name in invalid or (name, block) in invalid else run)
    return builder.experiment(
        *runs,
        profile="comparison",
        comparison={"arms": [{"name": name, **source} for name, source in by_arm.items()], **(declared or {})},
        primary_metrics=[{"metric": metric, "scenario": scenario, "deployments": candidates} for metric in metrics],
    )

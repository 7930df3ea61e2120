"""Histories of recorded experiments whose changes are known: each has one run of 50 users at once on `tuned`."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.builders import Builder
from workbench.arms import BURST_50, TUNED
from workbench.recording import Experiment

NOISE = 0.03  # standard deviation of the logarithm of a value


def factors(*levels: tuple[int, float], seed: int = 1) -> np.ndarray:
    """How many times as slow each experiment is: so many experiments at each level, with noise."""
    random = np.random.default_rng(seed)
    steps = np.concatenate([np.full(count, level) for count, level in levels])
    return steps * np.exp(NOISE * random.normal(size=len(steps)))


def name_of(position: int) -> str:
    """The name of an experiment by its place in a history, from 0."""
    return f"202601{position + 1:02d}-a"


def record_history(
    builder: Builder, slower: Sequence[float] | np.ndarray, environments: Mapping[int, Mapping] | None = None, **record
) -> list[Experiment]:
    """Write the experiments, a day apart; `environments` has facts of the environment from a place on."""
    environment: dict = {}
    experiments = []
    for position, factor in enumerate(slower):
        environment |= (environments or {}).get(position, {})
        run = builder.run(TUNED, BURST_50, slower=float(factor))
        run.record["environment"] = run.record["environment"] | environment
        run.record["started"] = f"2026-01-{position + 1:02d}T06:00:00.000Z"
        experiments.append(builder.experiment(run, name=name_of(position), **record))
    return experiments


def commit(folder: Path, *subjects: str, branch: str = "") -> list[str]:
    """Make empty commits with these subjects in a repository of a test, and return their ids."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _git(folder, "init", "--quiet")
    if branch:
        _git(folder, "checkout", "--quiet", "-B", branch)
    for subject in subjects:
        _git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--allow-empty", "-m", subject)
    return _git(folder, "log", "--format=%H", "--reverse", f"--max-count={len(subjects)}").split()


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout

"""The commits between the code of two experiments, as far as a repository at hand knows them."""

import os
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from workbench.paths import REPOSITORY

from ..environment_facts import COMMIT_CHARACTERS
from ..findings.wording import counted
from .headline_values import Code

MAX_LISTED = 10
GIT_TIMEOUT_S = 10
COMMIT = re.compile("[0-9a-f]{7,64}")  # a record may come from anywhere, and git takes other texts for options
# A record names folders too, and the settings of a repository may name programs: none verifies a signature, and none
# gets commits from elsewhere.
SAFE_SETTINGS = ("-c", "log.showSignature=false", "-c", "core.fsmonitor=false")
SAFE_ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "", "GIT_TERMINAL_PROMPT": "0"}


@dataclass(frozen=True)
class CodeBetween:
    """What differs between the code of two experiments.

    commits: those of the later one that the earlier one lacks, the newest first, at most `MAX_LISTED`, each as
        `0123456 subject`
    count: how many there are; None where no repository at hand has both
    only_before: how many commits of the earlier one the later one lacks, as on another branch
    """

    before: Code
    after: Code
    commits: tuple[str, ...] = ()
    count: int | None = None
    only_before: int = 0

    @classmethod
    def of(cls, before: Code, after: Code) -> "CodeBetween":
        """Ask git."""
        if not (_is_commit(before.commit) and _is_commit(after.commit)):
            return cls(before, after)
        if before.commit == after.commit:
            return cls(before, after, count=0)
        for folder in dict.fromkeys([*(each.folder for each in (after, before) if each.folder), str(REPOSITORY)]):
            if counts := _counts(folder, before.commit or "", after.commit or ""):
                return cls(before, after, _listed(folder, before.commit or "", after.commit or ""), *counts)
        return cls(before, after)

    def text(self) -> str:
        """How far the code is apart: `7 commits`, `the same commit`, or why that is not known."""
        dirty = [name for name, code in (("before", self.before), ("after", self.after)) if code.is_dirty]
        local = f", with local changes {' and '.join(dirty)}" if dirty else ""
        return self._distance() + local

    def _distance(self) -> str:
        unknown = [name for name, code in (("before", self.before), ("after", self.after)) if not code.commit]
        if unknown:
            return f"the commit {' and '.join(unknown)} was not recorded"
        if self.count is None:
            return "no repository here has both commits"
        if self.before.commit == self.after.commit:
            return "the same commit"
        text = counted(self.count, "commit")
        return f"{text}, without {self.only_before} of before" if self.only_before else text


def commit_text(code: Code) -> str:
    """A commit as people read it: `0123456789`, with `+` for local changes."""
    return ((code.commit or "unknown")[:COMMIT_CHARACTERS]) + "+" * code.is_dirty


def _is_commit(commit: str | None) -> bool:
    return bool(commit and COMMIT.fullmatch(commit))


def _counts(folder: str, before: str, after: str) -> tuple[int, int] | None:
    """The numbers of commits that only the later, and only the earlier one has; None for a repository without both."""
    output = _git(folder, "rev-list", "--left-right", "--count", f"{before}...{after}")
    if not output:
        return None
    only_before, only_after = map(int, output.split())
    return only_after, only_before


def _listed(folder: str, before: str, after: str) -> tuple[str, ...]:
    lines = _git(folder, "log", "--oneline", "--no-decorate", f"--max-count={MAX_LISTED}", f"{before}..{after}")
    return tuple((lines or "").splitlines())


@lru_cache(maxsize=256)
def _git(folder: str, *words: str) -> str | None:
    """The output of git in a folder; None where it fails."""
    if not Path(folder).is_dir():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", folder, *SAFE_SETTINGS, *words], env=os.environ | SAFE_ENVIRONMENT, capture_output=True,
            text=True, errors="replace", timeout=GIT_TIMEOUT_S, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return done.stdout.strip()
